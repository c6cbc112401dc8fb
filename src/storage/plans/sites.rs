//! The statements as they stand in the source.

use std::{fs, path::Path};

use syn::{
    Expr, ExprCall, ExprLit, ItemMod, Lit,
    spanned::Spanned,
    visit::{self, Visit},
};

use crate::storage::engine::Site;

/// A place where a statement is made.
#[derive(Debug)]
pub struct Made {
    pub site: Site,
    /// The text on SQLite and on PostgreSQL; `None`: it depends on what is asked.
    pub texts: Option<[String; 2]>,
    /// How the text begins, where that is known.
    pub start: String,
}

/// Every place below this folder where a statement is made, outside of tests.
pub fn all(folder: &str) -> Vec<Made> {
    let mut made = Vec::new();
    read_folder(Path::new(folder), &mut made);
    made
}

fn read_folder(folder: &Path, made: &mut Vec<Made>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.expect("a name");
        if path.is_dir() {
            // A move reads all of every table, once, and so does whoever seals what was open, or asks whether it is sound.
            if !["engine", "moving", "plans", "sealing", "soundness"].contains(&name) {
                read_folder(&path, made);
            }
        } else if !(name.starts_with("test_") || name.ends_with("tests.rs")) {
            let text = fs::read_to_string(&path).expect("a file");
            let parsed = syn::parse_file(&text).expect("source");
            let file = path.to_str().expect("a name").to_owned();
            Reader { file, made }.visit_file(&parsed);
        }
    }
}

struct Reader<'a> {
    file: String,
    made: &'a mut Vec<Made>,
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.ident != "tests" {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        visit::visit_expr_call(self, call);
        let Expr::Path(called) = &*call.func else {
            return;
        };
        let names = called.path.segments.iter();
        let names: Vec<String> = names.map(|segment| segment.ident.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let is_builder = matches!(names[..], ["QueryBuilder", "new" | "packed"]);
        let is_whole = matches!(
            names[..],
            ["query" | "query_as" | "query_opened" | "query_scalar"]
        );
        let Some(text) = call.args.first().filter(|_| is_builder || is_whole) else {
            return;
        };
        let start = call.func.span().start();
        let site = Site {
            file: self.file.clone(),
            line: start.line,
            column: start.column + 1,
        };
        let literals = literals(text);
        let texts = match &literals[..] {
            _ if is_builder => None,
            [both] => Some([both.clone(), both.clone()]),
            [sqlite, postgres] => Some([sqlite.clone(), postgres.clone()]),
            _ => None,
        };
        self.made.push(Made {
            site,
            texts,
            start: literals.into_iter().next().unwrap_or_default(),
        });
    }
}

/// The text, or the two texts of `pick`.
fn literals(argument: &Expr) -> Vec<String> {
    match argument {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => vec![text.value()],
        Expr::Call(call) => call.args.iter().flat_map(literals).collect(),
        _ => vec![],
    }
}
