//! `operator.directory`: the logo in it.

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

use crate::look::{Logo, LogoKind, MAX_LOGO_BYTES};

use super::problems::Problems;

/// The key of the folder.
const KEY: &str = "operator.directory";
/// The ends of names of pictures. Other files may be called `logo` as well, such as that of a program for drawing.
const PICTURES: [&str; 9] = [
    "svg", "png", "webp", "avif", "bmp", "gif", "ico", "jpeg", "jpg",
];

/// The logo in this folder. A folder that cannot be read is told by whoever reads the words in it.
pub(super) fn checked(
    directory: Option<&Path>,
    folder: &Path,
    problems: &mut Problems,
) -> Option<Logo> {
    let directory = folder.join(directory?);
    let names = file_names(&directory);
    let mut kinds = Vec::new();
    for name in &names {
        let mut all = LogoKind::ALL.into_iter();
        match all.find(|kind| kind.file_name() == name) {
            Some(kind) => kinds.push(kind),
            None => {
                let allowed = LogoKind::ALL.map(LogoKind::file_name).join(", ");
                problems.add(KEY, format_args!("found {name:?}; allowed are {allowed}"));
            }
        }
    }
    match kinds[..] {
        [] => None,
        [kind] => {
            let path = directory.join(kind.file_name());
            let logo = bytes_of(&path)
                .and_then(|bytes| Logo::read(kind, bytes).map_err(|error| error.to_string()));
            let told = |problem| problems.add(KEY, format_args!("{}: {problem}", kind.file_name()));
            logo.map_err(told).ok()
        }
        _ => {
            let found: Vec<&str> = kinds.iter().map(|kind| kind.file_name()).collect();
            let found = found.join(", ");
            problems.add(KEY, format_args!("found {found}; allowed is one of them"));
            None
        }
    }
}

/// The names of the files that may be meant to be the logo, sorted.
fn file_names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| may_be_logo(name)).collect();
    names.sort();
    names
}

fn may_be_logo(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let end = name.strip_prefix("logo.");
    end.is_some_and(|end| PICTURES.contains(&end))
}

/// The bytes of a file, one more than there may be at most. A link to a file counts as the file.
fn bytes_of(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error| format!("cannot be read: {error}");
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err("is no file; allowed is a file, or a link to one".to_owned());
    }
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_LOGO_BYTES).unwrap_or(u64::MAX);
    let file = File::open(path).map_err(unreadable)?;
    let read = file.take(most.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(unreadable)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::config::ConfigError;

    const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 2 1\"/>";

    /// The logo in a folder with these files, and what is told.
    fn read(files: &[(&str, &str)]) -> (Option<Logo>, Vec<String>) {
        let folder = tempfile::tempdir().expect("a folder");
        let own = folder.path().join("own");
        fs::create_dir(&own).expect("a folder");
        for (name, text) in files {
            fs::write(own.join(name), text).expect("a file");
        }
        told(folder.path())
    }

    fn told(folder: &Path) -> (Option<Logo>, Vec<String>) {
        let mut problems = Problems::default();
        let logo = checked(Some(Path::new("own")), folder, &mut problems);
        (logo, ConfigError::from(problems).problems)
    }

    #[test]
    fn one_file_is_the_logo_and_others_may_stand_beside_it() {
        let (logo, problems) = read(&[("logo.svg", SVG), ("logo.ai", ""), ("en.ftl", "")]);
        assert_eq!(logo.map(|logo| logo.sides()), Some((64, 32)));
        assert_eq!(problems, [""; 0]);
        for files in [&[][..], &[("logo", SVG), ("logo.svg.old", SVG)]] {
            let (logo, problems) = read(files);
            assert_eq!((logo, problems), (None, vec![]));
        }
        let mut problems = Problems::default();
        assert_eq!(checked(None, Path::new("/"), &mut problems), None);
        assert!(problems.is_empty());
    }

    #[test]
    fn what_is_no_logo_is_told_with_the_name_of_the_file() {
        for (files, problem) in [
            (
                &[("logo.svg", SVG), ("logo.png", "")][..],
                "found logo.png, logo.svg; allowed is one of them",
            ),
            (
                &[("logo.jpg", "x")],
                "found \"logo.jpg\"; allowed are logo.svg, logo.png, logo.webp",
            ),
            (
                &[("Logo.SVG", SVG)],
                "found \"Logo.SVG\"; allowed are logo.svg, logo.png, logo.webp",
            ),
            (
                &[("logo.svg", "")],
                "logo.svg: is empty; allowed is a picture of 1 to 65536 bytes",
            ),
            (
                &[("logo.svg", &"x".repeat(65_537))],
                "logo.svg: is longer than 65536 bytes, which is the most that is allowed",
            ),
        ] {
            let (logo, problems) = read(files);
            assert_eq!(logo, None);
            assert_eq!(problems, [format!("operator.directory: {problem}")]);
        }
        for (name, kind) in [("logo.png", "PNG"), ("logo.webp", "WebP")] {
            let (logo, problems) = read(&[(name, SVG)]);
            assert_eq!((logo, problems.len()), (None, 1));
            let start = format!("operator.directory: {name}: is no picture that can be read: ");
            assert!(problems[0].starts_with(&start), "{problems:?}");
            assert!(problems[0].ends_with(&format!("; allowed is {kind}")));
        }
    }

    #[test]
    fn links_are_followed_and_what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let own = folder.path().join("own");
        fs::create_dir(&own).expect("a folder");
        fs::write(folder.path().join("picture"), SVG).expect("a file");
        symlink("../picture", own.join("logo.svg")).expect("a link");
        let (logo, problems) = told(folder.path());
        assert!(logo.is_some() && problems.is_empty(), "{problems:?}");
        fs::remove_file(folder.path().join("picture")).expect("removed");
        let (logo, problems) = told(folder.path());
        assert!(logo.is_none() && problems[0].contains("logo.svg: cannot be read: "));
        fs::create_dir(folder.path().join("picture")).expect("a folder");
        let (logo, problems) = told(folder.path());
        assert_eq!(logo, None);
        let problem =
            "operator.directory: logo.svg: is no file; allowed is a file, or a link to one";
        assert_eq!(problems, [problem]);
    }
}
