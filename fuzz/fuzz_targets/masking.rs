#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| medialink_fuzz::masking::check(data));
