//! Numbers, lists, dates and times of day, as the Unicode CLDR has them for a language.

use icu_calendar::{Date, Gregorian};
use icu_datetime::{
    FixedCalendarDateTimeFormatter, NoCalendarFormatter,
    fieldsets::{T, YMD},
    input::Time,
};
use icu_decimal::{
    DecimalFormatter,
    input::Decimal,
    options::{DecimalFormatterOptions, GroupingStrategy},
};
use icu_list::{ListFormatter, options::ListFormatterOptions};
use icu_locale_core::{Locale, locale};
use time::OffsetDateTime;

use super::Language;

/// The locale by which a language writes numbers and dates: days stand before months in English, as they do in
/// most of the world.
fn locale_of(language: Language) -> Locale {
    match language {
        Language::English => locale!("en-GB"),
        Language::German => locale!("de"),
        Language::French => locale!("fr"),
        Language::Spanish => locale!("es"),
        Language::Portuguese => locale!("pt"),
        Language::Polish => locale!("pl"),
        Language::Arabic => locale!("ar"),
        Language::Japanese => locale!("ja"),
        Language::Chinese => locale!("zh"),
    }
}

/// A whole number: `1,234`.
pub(super) fn number(language: Language, number: u64) -> String {
    decimal(language, &Decimal::from(number))
}

/// A whole number without marks between its digits: `1023`.
pub(super) fn ungrouped(language: Language, number: u64) -> String {
    let options = DecimalFormatterOptions::from(GroupingStrategy::Never);
    written(language, &Decimal::from(number), options)
}

/// A number of tenths, with its one decimal: 12 is `1.2`.
pub(super) fn tenths(language: Language, tenths: u64) -> String {
    let mut number = Decimal::from(tenths);
    number.multiply_pow10(-1);
    decimal(language, &number)
}

fn decimal(language: Language, number: &Decimal) -> String {
    written(language, number, DecimalFormatterOptions::default())
}

fn written(language: Language, number: &Decimal, options: DecimalFormatterOptions) -> String {
    match DecimalFormatter::try_new(locale_of(language).into(), options) {
        Ok(formatter) => formatter.format_to_string(number),
        Err(_) => number.to_string(),
    }
}

/// Several names as a part of a sentence: `IRC, XMPP and SMS`.
pub(super) fn list(language: Language, names: &[String]) -> String {
    let options = ListFormatterOptions::default();
    match ListFormatter::try_new_and(locale_of(language).into(), options) {
        Ok(formatter) => formatter.format_to_string(names.iter()),
        Err(_) => names.join(", "),
    }
}

/// A day with the name of its month: `8 October 2026`; `None`: the calendar does not have it.
pub(super) fn date(language: Language, at: OffsetDateTime) -> Option<String> {
    let date = Date::try_new_gregorian(at.year(), at.month().into(), at.day()).ok()?;
    let formatter = FixedCalendarDateTimeFormatter::<Gregorian, YMD>::try_new(
        locale_of(language).into(),
        YMD::long(),
    );
    Some(formatter.ok()?.format(&date).to_string())
}

/// A time of day with hours and minutes: `12:00`.
pub(super) fn time_of_day(language: Language, at: OffsetDateTime) -> Option<String> {
    let time = Time::try_new(at.hour(), at.minute(), 0, 0).ok()?;
    let formatter = NoCalendarFormatter::try_new(locale_of(language).into(), T::hm());
    Some(formatter.ok()?.format(&time).to_string())
}
