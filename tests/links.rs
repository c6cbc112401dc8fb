//! The documentation holds together: each link in it leads to a file and a heading that exist, and each page of it has
//! its place in the site.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::{Component, Path, PathBuf},
};

/// Where documentation is, besides the pages beside Cargo.toml.
const FOLDERS: [&str; 4] = ["docs", "crates", "examples", "fuzz"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Markdown files, from the root on.
fn pages() -> BTreeSet<PathBuf> {
    let mut pages = BTreeSet::new();
    collect(Path::new(""), false, &mut pages);
    for folder in FOLDERS {
        collect(Path::new(folder), true, &mut pages);
    }
    assert!(pages.len() > 20, "{pages:?}");
    pages
}

fn collect(folder: &Path, is_deep: bool, pages: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(root().join(folder)).expect("a folder") {
        let entry = entry.expect("an entry");
        let (path, kind) = (folder.join(entry.file_name()), entry.file_type());
        let is_built = ["target", "node_modules"]
            .iter()
            .any(|name| path.ends_with(name));
        if kind.expect("a kind").is_dir() {
            if is_deep && !is_built {
                collect(&path, true, pages);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.insert(path);
        }
    }
}

/// The lines outside fenced code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// What is linked: `[…](target)`, and `[…]: target` at the beginning of a line. Code is no link.
fn targets(text: &str) -> Vec<String> {
    let prose: Vec<&str> = prose(text).collect();
    let prose = prose.join("\n");
    let words: Vec<&str> = prose.split('`').step_by(2).collect();
    let words = words.join("code");
    let inline = words.split("](").skip(1);
    let inline = inline.filter_map(|rest| rest.split([')', ' ', '\n']).next());
    let defined = words.lines().filter_map(|line| {
        let (_, target) = line.strip_prefix('[')?.split_once("]: ")?;
        target.split_whitespace().next()
    });
    inline.chain(defined).map(str::to_owned).collect()
}

/// The name by which a heading is linked to, as forges and mdBook make it.
fn slug(heading: &str) -> String {
    let mut words = String::new();
    let mut rest = heading;
    // Of a link, its text.
    while let Some((before, after)) = rest.split_once("](") {
        words.push_str(before);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    words.push_str(rest);
    let kept = words
        .trim()
        .chars()
        .filter_map(|character| match character {
            ' ' => Some('-'),
            '-' | '_' => Some(character),
            _ => character.is_alphanumeric().then_some(character),
        });
    kept.flat_map(char::to_lowercase).collect()
}

fn headings(text: &str) -> BTreeSet<String> {
    let mut seen = HashMap::<String, u32>::new();
    prose(text)
        .filter_map(|line| {
            line.trim_start_matches('#')
                .strip_prefix(' ')
                .filter(|_| line.starts_with('#'))
        })
        .map(|heading| {
            let slug = slug(heading);
            let before = seen.entry(slug.clone()).or_default();
            *before += 1;
            match *before {
                1 => slug,
                n => format!("{slug}-{}", n - 1),
            }
        })
        .collect()
}

/// A relative path from a page, from the root on; `None`: it leads out of the repository.
fn resolve(page: &Path, path: &str) -> Option<PathBuf> {
    let mut resolved = page.parent()?.to_owned();
    for part in Path::new(path).components() {
        match part {
            Component::ParentDir => {
                if !resolved.pop() {
                    return None;
                }
            }
            part => resolved.push(part),
        }
    }
    Some(resolved)
}

/// What is wrong with a link of a page.
fn problem(page: &Path, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let told = |problem: &str| Some(format!("{}: {target}: {problem}", page.display()));
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = match path {
        "" => page.to_owned(),
        path => match resolve(page, path) {
            Some(path) => path,
            None => return told("leads out of the repository"),
        },
    };
    let file = root().join(&path);
    if !file.exists() {
        return told("there is no such file");
    }
    if anchor.is_empty() || path.extension().is_none_or(|extension| extension != "md") {
        return None;
    }
    let text = fs::read_to_string(file).expect("text");
    (!headings(&text).contains(anchor))
        .then(|| told("there is no such heading"))
        .flatten()
}

#[test]
fn every_link_leads_somewhere() {
    let mut problems = Vec::new();
    let mut links = 0;
    for page in pages() {
        let text = fs::read_to_string(root().join(&page)).expect("text");
        let targets = targets(&text);
        links += targets.len();
        problems.extend(targets.iter().filter_map(|target| problem(&page, target)));
    }
    assert!(problems.is_empty(), "{problems:#?}");
    assert!(links > 100, "{links}");
}

#[test]
fn every_page_of_the_documentation_is_in_the_site() {
    let contents = Path::new("docs/SUMMARY.md");
    let text = fs::read_to_string(root().join(contents)).expect("text");
    let listed: BTreeSet<PathBuf> = targets(&text)
        .iter()
        .filter_map(|target| resolve(contents, target))
        .collect();
    let mut pages = pages();
    pages.remove(contents);
    assert_eq!(listed, pages);
}

#[test]
fn links_and_headings_are_found_as_readers_see_them() {
    let text = "# A `b` & c\n## A\n### A\n```\n# no\n[x](no)\n```\n[a](b.md#c), `[d](no)` [e]\n\n[e]: f.md\n";
    assert_eq!(targets(text), ["b.md#c", "f.md"]);
    let found = headings(text);
    assert_eq!(Vec::from_iter(&found), ["a", "a-1", "a-b--c"]);
    assert_eq!(slug("What [it](x.md) is, _so_?"), "what-it-is-_so_");
    let page = Path::new("docs/operators.md");
    assert_eq!(problem(page, "../README.md"), None);
    for broken in ["../none.md", "../README.md#none", "../../x"] {
        assert!(problem(page, broken).is_some(), "{broken}");
    }
}
