use super::{super::accent::READABLE, *};

/// Colours from all over: black, white, greys, pale and deep ones.
fn many() -> impl Iterator<Item = Colour> {
    let step = |at: u8| format!("{:02x}", at * 51);
    let all = (0..216u8).map(move |at| {
        let text = format!("#{}{}{}", step(at / 36), step(at / 6 % 6), step(at % 6));
        Colour::parse(&text).expect("a colour")
    });
    let odd = [
        "#ffee58", "#fffde7", "#808080", "#767676", "#0b6e4f", "#010101",
    ];
    all.chain(odd.map(|text| Colour::parse(text).expect("a colour")))
}

#[test]
fn every_colour_can_be_read_in_both_schemes() {
    let surfaces = surfaces();
    for colour in many() {
        for (scheme, surfaces) in surfaces.iter().enumerate() {
            let shades = Shades::of(colour, surfaces);
            let told = format!("{colour} in scheme {scheme}: {shades:?}");
            for behind in surfaces.all().chain([shades.tint]) {
                assert!(shades.accent.contrast(behind) >= READABLE, "{told}");
                assert!(shades.hover.contrast(behind) >= READABLE, "{told}");
            }
            for button in [shades.accent, shades.hover] {
                assert!(shades.on_accent.contrast(button) >= READABLE, "{told}");
            }
        }
    }
}

#[test]
fn a_colour_that_can_be_read_stays_and_another_changes_no_more_than_it_has_to() {
    let [light, dark] = surfaces();
    let green = Colour::parse("#0b6e4f").expect("a colour");
    assert_eq!(Shades::of(green, &light).accent, green);
    let yellow = Colour::parse("#ffee58").expect("a colour");
    assert_eq!(Shades::of(yellow, &dark).accent, yellow);
    let shade = Shades::of(yellow, &light);
    // It is as yellow as before, but just dark enough.
    assert_eq!(shade.accent.to_string(), "#736b28");
    let behind = light.all().chain([shade.tint]);
    let least = behind.map(|surface| shade.accent.contrast(surface));
    let least = least.fold(f64::MAX, f64::min);
    assert!((READABLE..READABLE + 0.2).contains(&least), "{least}");
}

#[test]
fn the_surfaces_are_those_of_the_style() {
    let [light, dark] = surfaces().map(|surfaces| {
        let all: Vec<String> = surfaces.all().map(|colour| colour.to_string()).collect();
        all.join(" ")
    });
    assert_eq!(light, "#ffffff #f3f5f8 #e9edf3 #fcedd0");
    assert_eq!(dark, "#171b24 #0e1117 #0a0c11 #3a2a0c");
}

#[test]
fn a_colour_replaces_its_shades_and_nothing_else() {
    for name in [
        "--accent: ",
        "--accent-hover: ",
        "--on-accent: ",
        "--tint: ",
    ] {
        assert_eq!(BASE.matches(name).count(), 2, "{name}");
    }
    let colour = Colour::parse("#0b6e4f").expect("a colour");
    let (own, usual) = (Styles::new(Some(colour)), Styles::built_in());
    for (own, usual) in [
        (&own.wide, &usual.wide),
        (&own.narrow, &usual.narrow),
        (&own.lines, &usual.lines),
    ] {
        let [own_parts, usual_parts] =
            [own, usual].map(|block| block.text.split([';', '}']).collect::<Vec<_>>());
        let changed = own_parts.iter().zip(&usual_parts);
        let changed = changed.filter(|(own, usual)| own != usual);
        // Words on a button stay white in the light scheme.
        assert_eq!(changed.count(), 7, "{}", own.text);
        assert_eq!(own_parts.len(), usual_parts.len());
        assert_eq!(own.text.len(), usual.text.len());
        assert!(own.text.contains("--accent:#0b6e4f;"));
        assert_eq!(own.source, source_of(&own.text));
        assert_ne!(own.source, usual.source);
    }
}

#[test]
fn a_style_loses_white_space_and_last_semicolons_and_nothing_else() {
    assert_eq!(
        tight(
            "a > b, a :focus {\n  margin: 0 1px;\r\n  font: 1rem/1.5 \"A B\", serif;\n}\n@media (min-width: 40rem) {\n}\n"
        ),
        "a > b,a :focus{margin:0 1px;font:1rem/1.5 \"A B\",serif}@media (min-width:40rem){}"
    );
    let is_solid = |it: &char| !it.is_whitespace() && *it != ';';
    let solid = |style: &str| style.chars().filter(is_solid).count();
    assert_eq!(solid(&Styles::built_in().wide.text), solid(BASE));
    assert_eq!(source_of(&tight("a {}\r\n")), source_of(&tight("a {}\n")));
}

#[test]
fn a_checkout_with_other_line_ends_has_the_same_hash() {
    assert_eq!(source_of("a {}\r\nb {}\r\n"), source_of("a {}\nb {}\n"));
}
