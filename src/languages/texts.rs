//! The words of one language.

use std::{borrow::Cow, fmt, sync::Arc};

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use intl_memoizer::{Memoizable, concurrent::IntlLangMemoizer};
use unic_langid::LanguageIdentifier;

use super::{Language, formats};

/// Stands for what is put between two pieces of a text: no message has it, and it is taken out again.
const GAP: &str = "\u{e000}";

/// The words of one language, and its ways to write numbers and dates.
///
/// A message is found by its name in `locales/en/medialink.ftl`; a test holds that every language has every
/// message. Its values are put in as they are: whoever shows the text escapes it.
pub struct Texts {
    language: Language,
    bundle: FluentBundle<Arc<FluentResource>>,
}

/// What stands in a message for a variable.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// Some words.
    Words(Cow<'a, str>),
    /// A number, which the language writes in its own way, and by which it chooses among plurals.
    Count(u64),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(words: &'a str) -> Self {
        Self::Words(Cow::Borrowed(words))
    }
}

impl From<String> for Value<'_> {
    fn from(words: String) -> Self {
        Self::Words(Cow::Owned(words))
    }
}

impl From<u64> for Value<'_> {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl Texts {
    /// The texts that the program brings along.
    pub(super) fn built_in(language: Language) -> Self {
        Self::of(language, [source(language).to_owned()])
    }

    /// The same, with other messages in place of those of their names.
    pub(super) fn with(language: Language, words: String) -> Self {
        Self::of(language, [source(language).to_owned(), words])
    }

    fn of(language: Language, sources: impl IntoIterator<Item = String>) -> Self {
        let identifier: LanguageIdentifier = language.tag().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![identifier]);
        // Pages keep names apart by elements, and no text of ours may turn what follows it.
        bundle.set_use_isolating(false);
        bundle.set_formatter(Some(formatted));
        for source in sources {
            let resource = match FluentResource::try_new(source) {
                Ok(resource) | Err((resource, _)) => resource,
            };
            bundle.add_resource_overriding(Arc::new(resource));
        }
        Self { language, bundle }
    }

    /// Their language.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// A message without variables.
    #[must_use]
    pub fn say(&self, id: &str) -> String {
        self.say_with(id, &[])
    }

    /// A message with its variables.
    #[must_use]
    pub fn say_with(&self, id: &str, values: &[(&'static str, Value<'_>)]) -> String {
        self.pattern(id, None, values)
    }

    /// What a message has beside its text under this name, such as the `advice` of an error.
    #[must_use]
    pub fn beside(&self, id: &str, name: &str, values: &[(&'static str, Value<'_>)]) -> String {
        self.pattern(id, Some(name), values)
    }

    /// The pieces of a message before and after one of its variables, for a page that puts a link there.
    #[must_use]
    pub fn around(
        &self,
        id: &str,
        variable: &'static str,
        others: &[(&'static str, Value<'_>)],
    ) -> (String, String) {
        let mut values = others.to_vec();
        values.push((variable, GAP.into()));
        let text = self.say_with(id, &values);
        match text.split_once(GAP) {
            Some((before, after)) => (before.to_owned(), after.to_owned()),
            None => (text, String::new()),
        }
    }

    fn pattern(
        &self,
        id: &str,
        name: Option<&str>,
        values: &[(&'static str, Value<'_>)],
    ) -> String {
        let message = self.bundle.get_message(id);
        let pattern = message.and_then(|message| match name {
            None => message.value(),
            Some(name) => Some(message.get_attribute(name)?.value()),
        });
        let Some(pattern) = pattern else {
            return format!("{{{id}}}");
        };
        let mut arguments = FluentArgs::with_capacity(values.len());
        for (name, value) in values {
            match value {
                Value::Words(words) => arguments.set(*name, FluentValue::String(words.clone())),
                Value::Count(count) => arguments.set(*name, *count),
            }
        }
        let mut problems = Vec::new();
        let text = self
            .bundle
            .format_pattern(pattern, Some(&arguments), &mut problems);
        text.into_owned()
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Texts").field(&self.language).finish()
    }
}

/// The messages of a language, as Fluent writes them.
pub(super) fn source(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("../../locales/en/medialink.ftl"),
        Language::German => include_str!("../../locales/de/medialink.ftl"),
        Language::French => include_str!("../../locales/fr/medialink.ftl"),
        Language::Spanish => include_str!("../../locales/es/medialink.ftl"),
        Language::Portuguese => include_str!("../../locales/pt/medialink.ftl"),
        Language::Polish => include_str!("../../locales/pl/medialink.ftl"),
        Language::Arabic => include_str!("../../locales/ar/medialink.ftl"),
        Language::Japanese => include_str!("../../locales/ja/medialink.ftl"),
        Language::Chinese => include_str!("../../locales/zh/medialink.ftl"),
    }
}

/// The language of a bundle, as its formatter learns of it.
struct LanguageOfBundle(Language);

impl Memoizable for LanguageOfBundle {
    type Args = ();
    type Error = std::convert::Infallible;

    fn construct(identifier: LanguageIdentifier, (): ()) -> Result<Self, Self::Error> {
        let language = Language::of_tag(identifier.language.as_str());
        Ok(Self(language.unwrap_or_default()))
    }
}

/// A number as the bundle's language writes it.
fn formatted(value: &FluentValue<'_>, memoizer: &IntlLangMemoizer) -> Option<String> {
    let FluentValue::Number(number) = value else {
        return None;
    };
    let language = memoizer.with_try_get::<LanguageOfBundle, _, _>((), |bundle| bundle.0);
    let count = format!("{:.0}", number.value).parse().ok()?;
    Some(formats::number(language.unwrap_or_default(), count))
}
