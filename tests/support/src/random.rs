//! Numbers for tests that take random steps.

/// Numbers that look random and are the same for the same seed.
pub struct Xorshift(pub u64);

impl Xorshift {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
