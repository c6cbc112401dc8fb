//! The `medialink` command.

fn main() -> std::process::ExitCode {
    medialink::cli::run()
}
