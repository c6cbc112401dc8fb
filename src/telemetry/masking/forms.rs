//! The forms in which a secret may stand in a text, besides the encodings that are decoded: in base64,
//! alone or as a part of something longer, and in hexadecimal digits.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use zeroize::Zeroizing;

/// All forms of a secret.
pub(super) fn forms(secret: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let lower: String = hex::encode(secret);
    let mut forms = vec![
        Zeroizing::new(secret.to_vec()),
        Zeroizing::new(lower.to_ascii_uppercase().into_bytes()),
        Zeroizing::new(lower.into_bytes()),
    ];
    for before in 0..3 {
        // Three bytes are four characters. Those that depend on a neighbour of the secret are left out.
        let bytes = Zeroizing::new([&[0; 2][..before], secret].concat());
        let skipped = if before == 0 { 0 } else { before + 1 };
        let last = usize::from(!bytes.len().is_multiple_of(3));
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let text = Zeroizing::new(engine.encode(&*bytes));
            let whole = text.as_bytes();
            if let Some(certain) = whole.get(skipped..whole.len() - last) {
                forms.push(Zeroizing::new(certain.to_vec()));
            }
        }
    }
    forms
}
