//! What one module of a source file defines, imports and names.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenTree};

/// Segments from the root of the crate, or as a source writes them.
pub(crate) type Segments = Vec<String>;

/// What stands in one module.
#[derive(Default)]
pub(crate) struct Scope {
    pub(crate) file: String,
    pub(crate) defined: BTreeSet<String>,
    pub(crate) imports: Vec<Import>,
    /// Paths within code, of two segments or more.
    pub(crate) paths: BTreeSet<Segments>,
    /// Identifiers within code that may name something from elsewhere.
    pub(crate) words: BTreeSet<String>,
    /// Those that stand alone and not before `::`.
    pub(crate) alone: BTreeSet<String>,
}

/// One leaf of a `use`.
pub(crate) struct Import {
    pub(crate) path: Segments,
    /// `*` is every name.
    pub(crate) name: String,
    pub(crate) reexport: bool,
}

impl Scope {
    /// Whether a name is defined or imported here by itself.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.defined.contains(name) || self.imports.iter().any(|import| import.name == name)
    }

    /// Reads the `use` at `i` and tells where it ends.
    pub(crate) fn import(&mut self, tokens: &[TokenTree], i: usize, reexport: bool) -> usize {
        let end = tokens[i..].iter().position(|token| is_punct(token, ';'));
        let end = end.map_or(tokens.len(), |length| i + length);
        self.tree(&tokens[i + 1..end], &[], reexport);
        end
    }

    fn tree(&mut self, tokens: &[TokenTree], prefix: &[String], reexport: bool) {
        let mut path = prefix.to_vec();
        for (i, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    for branch in inner.split(|token| is_punct(token, ',')).filter(|b| !b.is_empty()) {
                        self.tree(branch, &path, reexport);
                    }
                    return;
                }
                TokenTree::Punct(punct) if punct.as_char() == '*' => {
                    self.imports.push(Import { path, name: "*".into(), reexport });
                    return;
                }
                TokenTree::Ident(word) if word == "as" => {
                    let name = tokens.get(i + 1).and_then(ident).unwrap_or_default();
                    self.imports.push(Import { path, name, reexport });
                    return;
                }
                TokenTree::Ident(word) if word == "self" && !path.is_empty() => {}
                TokenTree::Ident(word) => path.push(word.to_string()),
                _ => {}
            }
        }
        let name = path.last().cloned().unwrap_or_default();
        self.imports.push(Import { path, name, reexport });
    }

    /// Reads what stands at `i` in code, and leaves `i` at its last token.
    pub(crate) fn code(&mut self, tokens: &[TokenTree], i: &mut usize) {
        if let TokenTree::Group(group) = &tokens[*i] {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            let mut at = 0;
            while at < inner.len() {
                self.code(&inner, &mut at);
                at += 1;
            }
            return;
        }
        let Some(first) = ident(&tokens[*i]) else { return };
        let before = i.checked_sub(1).map(|before| &tokens[before]);
        // A method's own name.
        if before.and_then(ident).is_some_and(|word| word == "fn") {
            return;
        }
        if before.is_some_and(|token| ['.', ':', '\''].iter().any(|mark| is_punct(token, *mark)))
            && !before.is_some_and(|_| is_single_colon(tokens, *i))
        {
            return;
        }
        if first == "use" {
            *i = self.import(tokens, *i, false);
            return;
        }
        let mut path = vec![first.clone()];
        while let [a, b, name, ..] = &tokens[*i + 1..] {
            let Some(name) = ident(name).filter(|_| is_punct(a, ':') && is_punct(b, ':')) else { break };
            path.push(name);
            *i += 3;
        }
        match path.len() {
            1 => drop(self.alone.insert(first.clone())),
            _ => drop(self.paths.insert(path)),
        }
        self.words.insert(first);
    }
}

/// Whether the token before `i` is the colon of a type and not the end of a `::`.
fn is_single_colon(tokens: &[TokenTree], i: usize) -> bool {
    is_punct(&tokens[i - 1], ':') && !(i > 1 && is_punct(&tokens[i - 2], ':'))
}

pub(crate) fn ident(token: &TokenTree) -> Option<String> {
    match token {
        TokenTree::Ident(word) => Some(word.to_string()),
        _ => None,
    }
}

fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// Whether these begin with `#[cfg(test)]`.
pub(crate) fn is_test_attribute(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [hash, TokenTree::Group(group), ..]
        if is_punct(hash, '#') && group.stream().to_string().replace(' ', "").starts_with("cfg(test"))
}

/// Passes over an item, and tells its name if it is a module.
pub(crate) fn end_of_hidden_item(tokens: &[TokenTree], i: &mut usize) -> Option<String> {
    let (mut before, mut module, mut import) = (String::new(), None, false);
    while *i < tokens.len() {
        let token = &tokens[*i];
        *i += 1;
        let word = ident(token).unwrap_or_default();
        import |= word == "use";
        if before == "mod" {
            module = Some(word.clone());
        }
        let body = matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        if is_punct(token, ';') || (body && !import) {
            break;
        }
        before = word;
    }
    module
}
