//! The `medialink` command.

/// Requests allocate and free many small things, on several threads: `docs/PERFORMANCE.md`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    medialink::cli::run()
}
