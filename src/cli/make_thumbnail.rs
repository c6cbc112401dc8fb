//! `medialink make-thumbnail`: the service runs it for each thumbnail that it makes. It reads the image
//! from the standard input and writes the thumbnail to the standard output.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use crate::media::{ThumbnailMethod, bound_this_process, make_thumbnail};

/// It is not an image that can be read within the limits.
const NO_IMAGE: u8 = 3;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// At most as wide, in pixels.
    width: u32,
    /// At most as high, in pixels.
    height: u32,
    /// `crop` or `scale`.
    #[arg(value_parser = method)]
    method: ThumbnailMethod,
}

fn method(text: &str) -> Result<ThumbnailMethod, &'static str> {
    ThumbnailMethod::parse(text).ok_or("crop or scale")
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match make(arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(NO_IMAGE),
        Err(error) => {
            eprintln!("medialink: {error}");
            ExitCode::FAILURE
        }
    }
}

fn make(arguments: &Arguments) -> io::Result<bool> {
    bound_this_process()?;
    let size = (arguments.width, arguments.height);
    let made = make_thumbnail(io::stdin().lock(), size, arguments.method)?;
    let Some(made) = made else {
        return Ok(false);
    };
    io::stdout().lock().write_all(&made)?;
    Ok(true)
}
