//! Which file of a crate uses which, read off its sources: every name is followed through
//! `use` and `pub use` to the file that defines it.
//!
//! A re-export alone is no use, nor is `mod`: otherwise a parent would use all its children.
//! What a type brings along without being named (its methods) is not seen.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::scope::{Import, Scope, Segments, end_of_hidden_item, ident, is_test_attribute};

/// For each file, those whose items it names.
pub(crate) type Uses = BTreeMap<String, BTreeSet<String>>;

/// Where a path leads.
enum Place {
    Module(Segments),
    Item(String),
}

/// Names that a name is followed through at most: re-exports and glob imports.
const FUEL: usize = 16;

/// The modules of one crate.
#[derive(Default)]
struct Modules {
    scopes: BTreeMap<Segments, Scope>,
    /// Modules that only tests have.
    hidden: Vec<Segments>,
}

/// The uses among the sources of one crate, given by their paths within `src`.
pub(crate) fn uses(sources: &[(String, String)]) -> Uses {
    let library = sources.iter().any(|(path, _)| path == "lib.rs");
    let mut modules = Modules::default();
    for (path, text) in sources {
        // Programs beside a library see it from outside.
        if path.starts_with("bin/") || (library && path == "main.rs") {
            continue;
        }
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        modules.read(module_of(path), path, tokens);
    }
    let Modules { scopes, hidden } = &mut modules;
    scopes.retain(|at, _| !hidden.iter().any(|tests| at.starts_with(tests)));
    modules.uses()
}

/// `a/b.rs` is `a::b`, `lib.rs` the root.
fn module_of(path: &str) -> Segments {
    let stem = path.trim_end_matches(".rs").trim_end_matches("/mod");
    match stem {
        "lib" | "main" => Vec::new(),
        _ => stem.split('/').map(String::from).collect(),
    }
}

impl Modules {
    /// Reads the items of a module, and of those within it.
    fn read(&mut self, at: Segments, file: &str, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut scope = Scope { file: file.into(), ..Scope::default() };
        let (mut i, mut reexport) = (0, false);
        while i < tokens.len() {
            let public = std::mem::take(&mut reexport);
            let next = |ahead: usize| tokens.get(i + ahead).and_then(ident);
            match (ident(&tokens[i]).as_deref(), next(1)) {
                (None, _) if is_test_attribute(&tokens[i..]) => {
                    i += 2;
                    if let Some(module) = end_of_hidden_item(&tokens, &mut i) {
                        self.hidden.push([at.clone(), vec![module]].concat());
                    }
                    continue;
                }
                (Some("pub"), _) => {
                    let restricted = matches!(tokens.get(i + 1), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
                    i += usize::from(restricted);
                    reexport = true;
                }
                (Some("use"), _) => i = scope.import(&tokens, i, public),
                (Some("mod"), Some(name)) => {
                    if let Some(TokenTree::Group(body)) = tokens.get(i + 2) {
                        self.read([at.clone(), vec![name]].concat(), file, body.stream());
                        i += 1;
                    }
                    i += 1;
                }
                (Some("macro_rules"), None) => {
                    scope.defined.extend(next(2));
                    i += 2;
                }
                (
                    Some("struct" | "enum" | "union" | "trait" | "type" | "fn" | "const" | "static"),
                    Some(name),
                ) if !["fn", "mut", "unsafe", "async", "_"].contains(&name.as_str()) => {
                    scope.defined.insert(name);
                    i += 1;
                }
                _ => scope.code(&tokens, &mut i),
            }
            i += 1;
        }
        self.scopes.insert(at, scope);
    }

    fn uses(&self) -> Uses {
        let mut all = Uses::new();
        for (at, scope) in &self.scopes {
            let used = all.entry(scope.file.clone()).or_default();
            let imports = scope.imports.iter().filter(|import| {
                import.name != "*" && (!import.reexport || scope.words.contains(&import.name))
            });
            // Of a module and a function of one name both are imported: which one is meant, its uses say.
            let meant = |import: &&Import| {
                scope.alone.contains(&import.name)
                    || !matches!(self.place(at, &import.path, false, FUEL), Some(Place::Module(_)))
            };
            let paths = imports.filter(meant).map(|import| &import.path).chain(&scope.paths);
            used.extend(paths.filter_map(|path| self.item(at, path)));
            let globs: Vec<_> = scope.imports.iter().filter(|import| import.name == "*").collect();
            for word in scope.words.iter().filter(|word| !globs.is_empty() && !scope.names(word)) {
                used.extend(self.item(at, std::slice::from_ref(word)));
            }
            used.remove(&scope.file);
        }
        all
    }

    fn item(&self, at: &[String], path: &[String]) -> Option<String> {
        match self.place(at, path, true, FUEL)? {
            Place::Item(file) => Some(file),
            Place::Module(_) => None,
        }
    }

    /// Follows a path from a module; nothing, if it leads out of the crate. Of a module and an
    /// item of the same name `last` means the item. No chain of re-exports is longer than `fuel`.
    fn place(&self, at: &[String], path: &[String], last: bool, fuel: usize) -> Option<Place> {
        let fuel = fuel.checked_sub(1)?;
        let up = path.iter().take_while(|segment| *segment == "super").count();
        let (mut place, from) = match path.first()?.as_str() {
            "crate" => (Place::Module(Vec::new()), 1),
            "self" => (Place::Module(at.to_vec()), 1),
            "super" => (Place::Module(at[..at.len().checked_sub(up)?].to_vec()), up),
            name => (self.named(at, name, last && path.len() == 1, fuel)?, 1),
        };
        for (i, name) in path.iter().enumerate().skip(from) {
            let Place::Module(module) = &place else { return Some(place) };
            let scope = self.scopes.get(module)?;
            let end = last && i + 1 == path.len();
            place = match self.named(module, name, end, fuel) {
                Some(found) => found,
                None if scope.names(name) => return None,
                // A macro defines it.
                None => Place::Item(scope.file.clone()),
            };
        }
        Some(place)
    }

    /// What a module means by a name.
    fn named(&self, at: &[String], name: &str, last: bool, fuel: usize) -> Option<Place> {
        let scope = self.scopes.get(at)?;
        let child = [at, &[name.to_string()]].concat();
        let module = self.scopes.contains_key(&child).then_some(Place::Module(child));
        if module.is_some() && !last {
            return module;
        }
        if scope.defined.contains(name) {
            return Some(Place::Item(scope.file.clone()));
        }
        let bound = scope.imports.iter().filter(|import| import.name == name);
        let bound = bound.filter_map(|import| self.place(at, &import.path, last, fuel)).next();
        let globs = scope.imports.iter().filter(|import| import.name == "*");
        let mut globs = globs.filter_map(|import| match self.place(at, &import.path, false, fuel)? {
            Place::Module(module) if module != at => self.named(&module, name, last, fuel.checked_sub(1)?),
            _ => None,
        });
        bound.or(module).or_else(|| globs.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sources: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<_> =
            sources.iter().map(|(path, text)| (path.to_string(), text.to_string())).collect();
        let lines = uses(&sources).into_iter();
        lines.flat_map(|(from, to)| to.into_iter().map(move |to| format!("{from} -> {to}"))).collect()
    }

    #[test]
    fn a_name_is_followed_through_re_exports_to_where_it_is_defined() {
        let root = ("lib.rs", "mod a; mod b; mod c; pub use a::{Alpha, inner::Deep as Low}; pub use c::*;");
        let a = ("a.rs", "pub(crate) mod inner; pub struct Alpha; // crate::b::Beta\n");
        let inner =
            ("a/inner.rs", "use super::Alpha; pub struct Deep(Alpha); const C: &str = \"crate::b::Beta\";");
        let b = ("b.rs", "use crate::{Alpha, Low}; pub struct Beta(Alpha, Low); fn f() { crate::free(); }");
        let c = ("c.rs", "pub fn free() { super::b::Beta::new(); let x = std::mem::take(&mut y); }");
        let found = of(&[root, a, inner, b, c]);
        assert_eq!(
            found,
            ["a/inner.rs -> a.rs", "b.rs -> a.rs", "b.rs -> a/inner.rs", "b.rs -> c.rs", "c.rs -> b.rs"]
        );
    }

    #[test]
    fn of_a_module_and_a_function_of_one_name_the_one_that_is_used_counts() {
        let root = ("lib.rs", "mod a; mod run; pub fn run() {}");
        let run = ("run.rs", "pub fn finish() {}");
        let a = ("a.rs", "use super::run; fn f() { run::finish(); }");
        assert_eq!(of(&[root, run, a]), ["a.rs -> run.rs"]);
        let a = ("a.rs", "use super::run; fn f() { run(); }");
        assert_eq!(of(&[root, run, a]), ["a.rs -> lib.rs"]);
    }

    #[test]
    fn re_exports_tests_and_whole_modules_are_no_uses() {
        let root = (
            "lib.rs",
            "mod a; #[cfg(test)] mod tests; pub use a::A; #[cfg(test)] mod more { use crate::a::A; }",
        );
        let a = ("a.rs", "use crate::b; pub use crate::b::B; pub struct A;");
        let tests = ("tests.rs", "use crate::a::A;");
        let b = ("b.rs", "pub struct B;");
        assert!(of(&[root, a, tests, b]).is_empty());
        let a = ("a.rs", "use crate::b; pub struct A(b::B);");
        assert_eq!(of(&[root, a, tests, b]), ["a.rs -> b.rs"]);
        let a = ("a.rs", "pub use crate::b::B; pub struct A { b: B }");
        assert_eq!(of(&[root, a, tests, b]), ["a.rs -> b.rs"]);
    }
}
