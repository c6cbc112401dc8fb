//! `operator.directory`: the folder with words of the operator's own.

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

use crate::languages::{Language, Languages};

use super::problems::Problems;

/// The key of the folder.
const KEY: &str = "operator.directory";
/// The longest file, in bytes: several times all messages of a language.
const MAX_BYTES: u64 = 256 << 10;

/// The words of all languages, with those of the files in this folder in place of the program's.
pub(super) fn checked(
    directory: Option<&Path>,
    folder: &Path,
    problems: &mut Problems,
) -> Languages {
    let Some(directory) = directory.map(|directory| folder.join(directory)) else {
        return Languages::built_in();
    };
    let names = match file_names(&directory) {
        Ok(names) => names,
        Err(error) => {
            problems.add(
                KEY,
                format_args!(
                    "{}: cannot be read: {error}; allowed is a folder, or null",
                    directory.display()
                ),
            );
            return Languages::built_in();
        }
    };
    let mut words = Vec::new();
    for name in names {
        let stem = name.strip_suffix(".ftl").unwrap_or_default();
        let known = Language::ALL
            .into_iter()
            .find(|language| language.tag() == stem);
        let Some(language) = known else {
            let allowed = Language::ALL.map(|language| format!("{language}.ftl"));
            let allowed = allowed.join(", ");
            problems.add(KEY, format_args!("found {name:?}; allowed are {allowed}"));
            continue;
        };
        match text_of(&directory.join(&name)) {
            Ok(text) => words.push((language, text)),
            Err(problem) => problems.add(KEY, format_args!("{name}: {problem}")),
        }
    }
    for (language, text) in &words {
        for found in Languages::problems(text) {
            let (line, problem) = (found.line, found.problem);
            problems.add(KEY, format_args!("{language}.ftl, line {line}: {problem}"));
        }
    }
    match problems.is_empty() {
        true => Languages::with(words),
        false => Languages::built_in(),
    }
}

/// The names of the files with words, sorted; files of other kinds may stand beside them.
fn file_names(directory: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".ftl") && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn text_of(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    let length = read.map_err(|error| format!("cannot be read: {error}"))?;
    if u64::try_from(length).is_ok_and(|length| length > MAX_BYTES) {
        return Err(format!(
            "is longer than {MAX_BYTES} bytes, which is the most that is allowed"
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("is not UTF-8 after {at} bytes")
    })
}
