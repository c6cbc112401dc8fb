//! The house as `docs/ARCHITECTURE.md` describes it: which folder may use which, and no circles
//! between files. Read from the `use` lines and paths of the source, tests left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{
    Item, UseTree,
    spanned::Spanned as _,
    visit::{self, Visit},
};

/// The most lines of a file, tests too.
const MAX_FILE: usize = 450;
/// The most lines of a function, its signature included.
const MAX_FUNCTION: usize = 59;

/// The source of one crate: module path → file and what it uses.
struct Source {
    root: PathBuf,
    modules: BTreeMap<Vec<String>, Module>,
}

#[derive(Default)]
struct Module {
    file: PathBuf,
    /// Paths from the crate's root, as `use` lines and qualified paths name them.
    uses: Vec<Vec<String>>,
    /// Name → path from the crate's root: the names that `use` lines bring here.
    names: BTreeMap<String, Vec<String>>,
    /// Modules whose every name is brought here.
    globs: Vec<Vec<String>>,
}

impl Source {
    fn read(root: &Path) -> Self {
        let mut source = Self {
            root: root.to_owned(),
            modules: BTreeMap::new(),
        };
        let entry = root.join("lib.rs");
        source.read_file(&entry, root.to_owned(), vec![]);
        source
    }

    /// Reads a file and those of the modules that it declares, which are in `folder`.
    fn read_file(&mut self, file: &Path, folder: PathBuf, path: Vec<String>) {
        let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let mut reader = Reader {
            path: path.clone(),
            module: Module {
                file: file.to_owned(),
                ..Module::default()
            },
            children: vec![],
        };
        reader.visit_file(&parsed);
        self.modules.insert(path.clone(), reader.module);
        for child in reader.children {
            let mut child_path = path.clone();
            child_path.push(child.clone());
            let inner = folder.join(&child);
            let beside = folder.join(format!("{child}.rs"));
            let file = if beside.exists() {
                beside
            } else {
                inner.join("mod.rs")
            };
            self.read_file(&file, inner, child_path);
        }
    }

    /// The module that defines what a path names, re-exports followed.
    fn definer(&self, path: &[String], depth: usize) -> Option<Vec<String>> {
        let known = (0..=path.len())
            .rev()
            .find(|n| self.modules.contains_key(&path[..*n]))?;
        let (module, rest) = path.split_at(known);
        let here = Some(module.to_vec());
        let Some(name) = rest.first().filter(|_| depth < 8) else {
            return here;
        };
        let found = &self.modules[module];
        let follow = |target: &[String]| {
            let whole = [target, &rest[1..]].concat();
            self.definer(&whole, depth + 1)
        };
        if let Some(target) = found.names.get(name) {
            return follow(target);
        }
        here
    }

    /// File → the files that it uses.
    fn edges(&self) -> BTreeMap<&Path, BTreeSet<&Path>> {
        let mut edges = BTreeMap::<_, BTreeSet<_>>::new();
        for module in self.modules.values() {
            let uses = edges.entry(module.file.as_path()).or_default();
            for path in module.uses.iter().chain(&module.globs) {
                let Some(target) = self.definer(path, 0) else {
                    continue;
                };
                let target = self.modules[&target].file.as_path();
                if target != module.file {
                    uses.insert(target);
                }
            }
        }
        edges
    }

    fn name(&self, file: &Path) -> String {
        let name = file.strip_prefix(&self.root).expect("below the root");
        name.display().to_string()
    }
}

/// Reads one file.
struct Reader {
    path: Vec<String>,
    module: Module,
    children: Vec<String>,
}

impl Reader {
    /// A path from the crate's root; `None`: it is another crate's, or a name of this file.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let mut base = match path.first()?.as_str() {
            "crate" => vec![],
            "self" | "super" => self.path.clone(),
            name if self.children.iter().any(|child| child == name) => {
                return Some([self.path.as_slice(), path].concat());
            }
            _ => return None,
        };
        let mut rest = path;
        while let Some(first) = rest.first() {
            match first.as_str() {
                "crate" | "self" => {}
                "super" => {
                    base.pop();
                }
                _ => break,
            }
            rest = &rest[1..];
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    fn read_use(&mut self, tree: &UseTree, before: &[String], is_export: bool) {
        let with = |name: String| [before, &[name]].concat();
        match tree {
            UseTree::Path(path) => {
                self.read_use(&path.tree, &with(path.ident.to_string()), is_export);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.read_use(tree, before, is_export);
                }
            }
            UseTree::Glob(_) => {
                if let Some(path) = self.absolute(before)
                    && !is_export
                {
                    self.module.globs.push(path);
                }
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                if name == "self" {
                    let last = before.last().expect("`self` stands in braces").clone();
                    self.note(before.to_vec(), last, is_export);
                } else {
                    self.note(with(name.clone()), name, is_export);
                }
            }
            UseTree::Rename(rename) => {
                let (path, name) = (with(rename.ident.to_string()), rename.rename.to_string());
                self.note(path, name, is_export);
            }
        }
    }

    fn note(&mut self, path: Vec<String>, name: String, is_export: bool) {
        let Some(path) = self.absolute(&path) else {
            return;
        };
        // To hand on what a module of its own defines is not to use it.
        let is_own = path.starts_with(&self.path) && path.len() > self.path.len();
        if !(is_export && is_own) {
            self.module.uses.push(path.clone());
        }
        self.module.names.insert(name, path);
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|name| name == "test")
    })
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_file(&mut self, file: &'ast syn::File) {
        for item in &file.items {
            if let Item::Mod(module) = item
                && module.content.is_none()
                && !is_for_tests(&module.attrs)
            {
                self.children.push(module.ident.to_string());
            }
        }
        visit::visit_file(self, file);
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_for_tests(&item.attrs) {
            let is_export = !matches!(item.vis, syn::Visibility::Inherited);
            self.read_use(&item.tree, &[], is_export);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if names.len() > 1
            && let Some(path) = self.absolute(&names)
        {
            self.module.uses.push(path);
        }
        visit::visit_path(self, path);
    }
}

/// The uses by which files come back to themselves.
fn circular<'a>(edges: &BTreeMap<&'a Path, BTreeSet<&'a Path>>) -> Vec<(&'a Path, &'a Path)> {
    let reached_from = |start: &'a Path| {
        let mut reached = BTreeSet::new();
        let mut open = vec![start];
        while let Some(file) = open.pop() {
            for next in edges.get(file).into_iter().flatten() {
                if reached.insert(*next) {
                    open.push(next);
                }
            }
        }
        reached
    };
    let reached: BTreeMap<&Path, BTreeSet<&Path>> = edges
        .keys()
        .map(|file| (*file, reached_from(file)))
        .collect();
    let uses = edges
        .iter()
        .flat_map(|(file, used)| used.iter().map(|used| (*file, *used)));
    uses.filter(|(file, used)| reached.get(used).is_some_and(|all| all.contains(file)))
        .collect()
}

fn crates() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let inner = fs::read_dir(root.join("crates")).expect("crates");
    let mut all: Vec<PathBuf> = inner
        .map(|entry| entry.expect("an entry").path().join("src"))
        .collect();
    all.push(root.join("src"));
    all
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let mut wrong = Vec::new();
    for root in crates() {
        let source = Source::read(&root);
        let edges = source.edges();
        assert!(edges.len() > 3, "{}: files are read", root.display());
        for (file, used) in circular(&edges) {
            wrong.push(format!(
                "{}: {} uses {}",
                root.display(),
                source.name(file),
                source.name(used)
            ));
        }
    }
    assert!(wrong.is_empty(), "in a circle:\n{}", wrong.join("\n"));
}

/// Module → its layer, as the table of the documentation has it.
fn layers() -> BTreeMap<String, u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/ARCHITECTURE.md")).expect("the documentation");
    let mut layers = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let Some(layer) = cells.get(1).and_then(|cell| cell.parse().ok()) else {
            continue;
        };
        for name in cells[2].split('`').skip(1).step_by(2) {
            let name = name.trim_end_matches('/').trim_end_matches(".rs");
            layers.insert(name.to_owned(), layer);
        }
    }
    layers
}

#[test]
fn modules_use_their_own_layer_only_from_within_and_those_below() {
    let layers = layers();
    let source = Source::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let module_of = |file: &Path| {
        let name = source.name(file);
        let first = name.split('/').next().expect("a name");
        first.trim_end_matches(".rs").to_owned()
    };
    let mut wrong = BTreeSet::new();
    for (file, uses) in source.edges() {
        let user = module_of(file);
        if user == "lib" {
            continue;
        }
        let Some(layer) = layers.get(&user) else {
            wrong.insert(format!("{user} has no layer in docs/ARCHITECTURE.md"));
            continue;
        };
        for used in uses.into_iter().map(module_of).filter(|used| *used != user) {
            if layers.get(&used).is_none_or(|below| below >= layer) {
                wrong.insert(format!("{} uses {used}", source.name(file)));
            }
        }
    }
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The Rust files below a folder.
fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Collects the functions of a file that are too long.
#[derive(Default)]
struct LongFunctions(Vec<String>);

impl LongFunctions {
    fn measure(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let lines = block.span().end().line - signature.span().start().line + 1;
        if lines > MAX_FUNCTION {
            self.0.push(format!("{}: {lines} lines", signature.ident));
        }
    }
}

impl<'ast> Visit<'ast> for LongFunctions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }
}

#[test]
fn files_and_functions_are_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "crates", "tests", "benches", "examples"] {
        rust_files(&root.join(folder), &mut files);
    }
    let mut wrong = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a file");
        let name = file.strip_prefix(root).expect("below the root").display();
        let lines = text.lines().count();
        if lines > MAX_FILE {
            wrong.push(format!("{name}: {lines} lines"));
        }
        let mut long = LongFunctions::default();
        long.visit_file(&syn::parse_file(&text).expect("Rust"));
        wrong.extend(long.0.iter().map(|function| format!("{name}: {function}")));
    }
    assert!(wrong.is_empty(), "too long:\n{}", wrong.join("\n"));
}
