//! Classifies the parts of a line, by the grammars of `syntect` and `two-face`. They are part of the
//! binary and are read when a text is shown.

use std::{
    ops::Range,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use syntect::parsing::{ParseState, Scope, ScopeStack, ScopeStackOp, SyntaxReference, SyntaxSet};

/// The longest text that is highlighted, in bytes.
const MAX_TEXT_BYTES: usize = 256 << 10;
/// The longest line, in bytes: machines write longer ones, and grammars are slow with them.
const MAX_LINE_BYTES: usize = 2 << 10;

/// How many languages a text may have: Markdown and HTML hold others. A language takes some ten MiB
/// of memory once it is used.
const MAX_LANGUAGES: usize = 5;

/// Other names of languages, as people write them after three backticks.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("golang", "go"),
    ("shell", "sh"),
    ("console", "sh"),
    ("node", "js"),
    ("docker", "dockerfile"),
    ("objc", "objective-c"),
    ("csharp", "c#"),
    ("cxx", "c++"),
    ("patch", "diff"),
];

/// The class of a part of a text, as the style names it; empty: it is not highlighted.
pub(super) type Class = &'static str;

/// A part of a line: its bytes, and their class.
pub(super) type Part = (Range<usize>, Class);

/// The class of a scope, by its beginning. The first match decides; an empty class ends the search,
/// since the scopes around it do not classify it.
static CLASSES: LazyLock<Vec<(Scope, Class)>> = LazyLock::new(|| {
    let classes = [
        ("comment", "c"),
        ("constant.character.escape", "e"),
        ("string.unquoted", ""),
        ("string", "s"),
        ("constant", "n"),
        ("variable.language", "n"),
        ("keyword.operator.word", "k"),
        ("keyword.operator", ""),
        ("keyword", "k"),
        ("storage", "k"),
        ("entity.name.tag", "k"),
        ("entity.name.function", "f"),
        ("support.function", "f"),
        ("variable.function", "f"),
        ("entity.other.attribute-name", "n"),
        ("entity.name.section", "h"),
        ("entity.name", "t"),
        ("entity.other.inherited-class", "t"),
        ("support.type", "t"),
        ("support.class", "t"),
        ("markup.heading", "h"),
        ("markup.inserted", "i"),
        ("markup.deleted", "d"),
        ("markup.raw", "s"),
        ("meta.diff.header", "h"),
        ("meta.diff.range", "c"),
        ("meta.interpolation", ""),
        ("meta.embedded", ""),
        ("source", ""),
    ];
    let known = classes
        .iter()
        .filter_map(|(scope, class)| Some((Scope::new(scope).ok()?, *class)));
    known.collect()
});

/// How scopes begin that are languages.
static LANGUAGES: LazyLock<[Option<Scope>; 2]> =
    LazyLock::new(|| ["source", "text"].map(|scope| Scope::new(scope).ok()));

/// The grammars. Those that were used stay in memory, for a few languages.
#[derive(Debug, Default)]
pub struct Grammars(Mutex<Option<Loaded>>);

#[derive(Debug)]
struct Loaded {
    set: Arc<SyntaxSet>,
    used: Vec<Scope>,
}

impl Grammars {
    fn set(&self) -> Arc<SyntaxSet> {
        let mut loaded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = loaded.get_or_insert_with(|| Loaded {
            set: Arc::new(two_face::syntax::extra_newlines()),
            used: Vec::new(),
        });
        Arc::clone(&loaded.set)
    }

    /// Notes the languages that a text has used. A set of which too many were used is dropped.
    fn note(&self, set: &Arc<SyntaxSet>, used: &[Scope]) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(loaded) = slot.as_mut().filter(|it| Arc::ptr_eq(&it.set, set)) else {
            return;
        };
        for language in used {
            if !loaded.used.contains(language) {
                loaded.used.push(*language);
            }
        }
        if loaded.used.len() > MAX_LANGUAGES {
            *slot = None;
        }
    }
}

/// Classifies the parts of a text, line by line.
pub(super) struct Highlighter<'a> {
    grammars: &'a Grammars,
    set: Arc<SyntaxSet>,
    name: String,
    state: ParseState,
    stack: ScopeStack,
    languages: Vec<Scope>,
    until: Instant,
}

impl<'a> Highlighter<'a> {
    /// For a text in this language, or else of this file name; `within`: how long it may take.
    /// `None`: there is no grammar for it, or it is too long.
    pub(super) fn new(
        grammars: &'a Grammars,
        text: &str,
        language: Option<&str>,
        filename: Option<&str>,
        within: Duration,
    ) -> Option<Self> {
        if language.is_none() && filename.is_none() {
            return None;
        }
        let is_too_long =
            text.len() > MAX_TEXT_BYTES || text.split('\n').any(|line| line.len() > MAX_LINE_BYTES);
        if is_too_long {
            return None;
        }
        let set = grammars.set();
        let syntax = language
            .and_then(|language| by_language(&set, language))
            .or_else(|| filename.and_then(|filename| by_filename(&set, filename)))
            .filter(|syntax| syntax.name != "Plain Text")?;
        Some(Self {
            grammars,
            name: syntax.name.clone(),
            state: ParseState::new(syntax),
            stack: ScopeStack::new(),
            languages: Vec::new(),
            until: Instant::now() + within,
            set,
        })
    }

    /// The language, as people call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The parts of the next line, which ends with a line feed, in their order; `None`: the highlighter
    /// gives up on this line and the rest.
    pub(super) fn parts(&mut self, line: &str) -> Option<Vec<Part>> {
        if Instant::now() >= self.until || self.languages.len() > MAX_LANGUAGES {
            return None;
        }
        let changes = self.state.parse_line(line, &self.set).ok()?;
        let mut parts: Vec<Part> = Vec::new();
        let mut from = 0;
        for (at, change) in changes {
            self.note(&mut parts, from..at);
            from = from.max(at);
            self.stack.apply(&change).ok()?;
            if let ScopeStackOp::Push(scope) = change {
                self.note_language(scope);
            }
        }
        self.note(&mut parts, from..line.len());
        Some(parts)
    }

    fn note_language(&mut self, scope: Scope) {
        let is_language = LANGUAGES
            .iter()
            .flatten()
            .any(|prefix| prefix.is_prefix_of(scope));
        if is_language && !self.languages.contains(&scope) {
            self.languages.push(scope);
        }
    }

    fn note(&self, parts: &mut Vec<Part>, part: Range<usize>) {
        if part.is_empty() {
            return;
        }
        let class = class_of(self.stack.as_slice());
        match parts.last_mut() {
            Some((last, same)) if *same == class => last.end = part.end,
            _ => parts.push((part, class)),
        }
    }
}

impl Drop for Highlighter<'_> {
    fn drop(&mut self) {
        self.grammars.note(&self.set, &self.languages);
    }
}

/// The class of the innermost scope that has one.
fn class_of(stack: &[Scope]) -> Class {
    let classify = |scope: &Scope| {
        let found = CLASSES
            .iter()
            .find(|(prefix, _)| prefix.is_prefix_of(*scope));
        found.map(|(_, class)| *class)
    };
    stack.iter().rev().find_map(classify).unwrap_or_default()
}

fn by_language<'s>(set: &'s SyntaxSet, name: &str) -> Option<&'s SyntaxReference> {
    let other = OTHER_NAMES
        .iter()
        .find(|(other, _)| other.eq_ignore_ascii_case(name));
    set.find_syntax_by_token(other.map_or(name, |(_, usual)| usual))
}

fn by_filename<'s>(set: &'s SyntaxSet, name: &str) -> Option<&'s SyntaxReference> {
    set.find_syntax_by_extension(name)
        .or_else(|| set.find_syntax_by_extension(name.rsplit_once('.')?.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    static GRAMMARS: LazyLock<Grammars> = LazyLock::new(Grammars::default);

    fn name(language: Option<&str>, filename: Option<&str>) -> Option<String> {
        let highlighter = Highlighter::new(&GRAMMARS, "x\n", language, filename, LONG)?;
        Some(highlighter.name().to_owned())
    }

    #[test]
    fn a_language_is_known_by_its_names_and_by_the_file_s() {
        for (language, filename, expected) in [
            (Some("rust"), None, Some("Rust")),
            (Some("RS"), None, Some("Rust")),
            (Some("c++"), None, Some("C++")),
            (Some("c"), None, Some("C")),
            (Some("golang"), None, Some("Go")),
            (Some("python"), Some("x.rs"), Some("Python")),
            (Some("typescript"), None, Some("TypeScript")),
            (Some("toml"), None, Some("TOML")),
            (Some("dockerfile"), None, Some("Dockerfile")),
            (Some("klingon"), Some("x.rs"), Some("Rust")),
            (Some("klingon"), None, None),
            (Some("text"), None, None),
            (Some("plain text"), None, None),
            (None, Some("Makefile"), Some("Makefile")),
            (None, Some("a.b.json"), Some("JSON")),
            (None, Some("notes"), None),
            (None, Some("."), None),
            (None, None, None),
        ] {
            assert_eq!(
                name(language, filename).as_deref(),
                expected,
                "{language:?} {filename:?}"
            );
        }
        for (other, _) in OTHER_NAMES {
            assert!(name(Some(other), None).is_some(), "{other}");
        }
    }

    #[test]
    fn what_is_too_long_is_not_looked_at() {
        let looks =
            |text: &str| Highlighter::new(&GRAMMARS, text, Some("rust"), None, LONG).is_some();
        assert!(looks(&"// x\n".repeat(1000)));
        assert!(!looks(&"x".repeat(MAX_LINE_BYTES + 1)));
        assert!(!looks(&"// x\n".repeat(MAX_TEXT_BYTES / 5 + 1)));
    }

    #[test]
    fn after_its_time_it_gives_up() {
        let late = Highlighter::new(&GRAMMARS, "x\n", Some("rust"), None, Duration::ZERO);
        assert!(late.expect("rust").parts("fn main() {}\n").is_none());
    }

    #[test]
    fn a_text_of_many_languages_is_given_up_and_what_it_used_let_go() {
        let grammars = Grammars::default();
        let names = ["c", "rust", "python", "java", "sql", "ruby", "perl", "lua"];
        let fence = |name: &str| format!("```{name}\nx = 1\n```\n");
        let text: String = names.map(fence).concat();
        let mut many =
            Highlighter::new(&grammars, &text, Some("markdown"), None, LONG).expect("Markdown");
        let parsed = text
            .split_inclusive('\n')
            .take_while(|line| many.parts(line).is_some());
        let parsed = parsed.count();
        assert!((9..24).contains(&parsed), "{parsed}");
        let kept = || grammars.0.lock().expect("whole").is_some();
        assert!(kept());
        drop(many);
        assert!(!kept());
        // A few languages stay.
        for name in &names[..3] {
            let mut few = Highlighter::new(&grammars, "x\n", Some(name), None, LONG);
            assert!(few.as_mut().expect("a grammar").parts("x = 1\n").is_some());
        }
        assert!(kept());
    }

    #[test]
    fn the_grammars_are_free_to_be_given_on() {
        use two_face::acknowledgement::LicenseType;
        for license in two_face::acknowledgement::listing().for_syntaxes() {
            assert!(
                matches!(
                    license.ty,
                    LicenseType::Sublime
                        | LicenseType::Mit
                        | LicenseType::Bsd2Clause
                        | LicenseType::Bsd2ClauseFreeBsd
                        | LicenseType::Bsd3Clause
                        | LicenseType::Apache2
                        | LicenseType::Unlicense
                        | LicenseType::Wtfpl
                ),
                "{license:?}"
            );
        }
    }
}
