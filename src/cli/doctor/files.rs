//! The files: whether they can be read, and by whom.

use std::{
    io::ErrorKind,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

use crate::{
    config::{Config, KeyPlace},
    key_store::{self, KeyStoreError},
};

use super::finding::Findings;

pub(super) fn look(path: &Path, config: &Config, findings: &mut Findings) {
    look_at_config(path, findings);
    look_at_keys(&config.key_file, findings);
    look_at_root_secret(config, findings);
    look_at_cache(config, findings);
}

/// The rights of a file or a folder.
fn mode(path: &Path) -> std::io::Result<u32> {
    Ok(std::fs::metadata(path)?.mode() & 0o777)
}

fn look_at_config(path: &Path, findings: &mut Findings) {
    let trial = findings.of(
        "config",
        format_args!("the configuration {}", path.display()),
    );
    match mode(path) {
        Err(error) => trial.warning(
            format_args!("it was read, and its mode cannot be: {error}"),
            "look at the folder that it is in",
        ),
        Ok(mode) if mode & 0o007 != 0 => trial.warning(
            format_args!("found mode {mode:04o}: everybody on this machine can read or change it"),
            format_args!(
                "chmod 640 {}, or keep the tokens in files of their own (api_token_file and others)",
                path.display()
            ),
        ),
        Ok(_) => trial.ok("valid, and not for everybody"),
    }
}

fn look_at_keys(place: &KeyPlace, findings: &mut Findings) {
    let KeyPlace::File(path) = place else {
        return;
    };
    let trial = findings.of("key_file", format_args!("the key file {}", path.display()));
    match key_store::entries(path) {
        Ok(keys) => trial.ok(format_args!("{} keys, for its owner alone", keys.len())),
        Err(KeyStoreError::Missing { .. }) => trial.warning(
            "not found",
            "medialink serve makes it at its first start; if links were signed before, restore it",
        ),
        Err(error) => trial.fault(
            error,
            "mend it, or restore it from a backup; it has to belong to the user that runs the service, with mode 0600",
        ),
    }
}

fn look_at_root_secret(config: &Config, findings: &mut Findings) {
    let trial = findings.of("root_secret", "the root secret");
    if config.database.root_secret.is_some() {
        trial.ok("read; it seals content tokens and file keys in the database");
    } else {
        trial.ok(
            "none is configured: content tokens and file keys stand in the database as they are",
        );
    }
}

fn look_at_cache(config: &Config, findings: &mut Findings) {
    let Some(cache) = &config.media.cache else {
        return;
    };
    let trial = findings.of("cache", format_args!("the cache {}", cache.dir.display()));
    match mode(&cache.dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            match missing_below(&cache.dir) {
                Some(folder) if !is_writable(&folder) => trial.fault(
                    format_args!("not found, and {} cannot be written to", folder.display()),
                    "make the folder, for the user that runs the service, with mode 0700",
                ),
                _ => trial.ok("not found; the service makes it at its start"),
            }
        }
        Err(error) => trial.fault(
            error,
            "it has to be a folder of the user that runs the service, with mode 0700",
        ),
        Ok(_) if !cache.dir.is_dir() => trial.fault(
            "it is no folder",
            "name another path in media.cache.dir, or remove the file",
        ),
        Ok(_) if !is_writable(&cache.dir) => trial.fault(
            "it cannot be written to by who runs this command",
            "run the command as the user that runs the service; if it is that user, give it the folder (chown)",
        ),
        Ok(mode) if mode & 0o077 != 0 => trial.warning(
            format_args!("found mode {mode:04o}: others than its owner can look at cached media"),
            format_args!("chmod 700 {}", cache.dir.display()),
        ),
        Ok(_) => trial.ok("a folder for its owner alone"),
    }
}

/// The nearest folder above that is there.
fn missing_below(path: &Path) -> Option<PathBuf> {
    let above = path.ancestors().skip(1);
    let above = above.map(|folder| match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    });
    above
        .filter(|folder| folder.exists())
        .map(Path::to_path_buf)
        .next()
}

fn is_writable(folder: &Path) -> bool {
    access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}
