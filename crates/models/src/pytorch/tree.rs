//! From a pickle to nested dictionaries of tensors.

mod entries;
mod key;

use std::collections::BTreeSet;

use self::entries::Entries;
use super::{
    Node, Problem, Stored,
    pickle::{Id, Object, Pickle, Value},
    tensor::Tensors,
};

/// How deep dictionaries may lie in one another: Python's own pickler gives up
/// before a few hundred.
const DEPTH: usize = 128;
/// How many values may be looked at, per byte of the pickle and in any case: each value
/// has at least a byte, so this is several times all of them.
const VISITS_PER_BYTE: usize = 4;
const VISITS: usize = 1 << 18;

/// The tensors of a pickle, below the dictionaries that lead to them.
pub(super) fn of(tensors: Tensors<'_, '_>) -> Result<Node, Problem> {
    let root = tensors.pickle.root;
    let visits = tensors.pickle.len.saturating_mul(VISITS_PER_BYTE).saturating_add(VISITS);
    let mut walk = Walk { tensors, visits, above: BTreeSet::new(), barren: BTreeSet::new() };
    walk.node(root)?.ok_or(Problem::NoTensors)
}

struct Walk<'p, 'a> {
    tensors: Tensors<'p, 'a>,
    /// How many more values may be looked at: objects that share others could make it any number.
    visits: usize,
    /// The objects that the one at hand lies in, so that none is entered again.
    above: BTreeSet<Id>,
    /// Objects in which there is no tensor.
    barren: BTreeSet<Id>,
}

impl<'p, 'a> Walk<'p, 'a> {
    fn pickle(&self) -> &'p Pickle<'a> {
        self.tensors.pickle
    }

    /// What lies in a value, or `None` if no tensor does.
    fn node(&mut self, value: Value<'a>) -> Result<Option<Node>, Problem> {
        let Value::Object(id) = value else { return Ok(None) };
        if self.barren.contains(&id) || self.above.contains(&id) {
            return Ok(None);
        }
        self.visit(0)?;
        if let Some(stored) = self.tensors.of(value) {
            return Ok(Some(Node::Tensor(stored)));
        }
        if self.above.len() == DEPTH {
            let why = format!("below {DEPTH} dictionaries that lie in one another");
            return Ok(Some(Node::Tensor(Stored::Unreadable(why))));
        }
        self.above.insert(id);
        let node = self.inside(value);
        self.above.remove(&id);
        let node = node?;
        if node.is_none() {
            self.barren.insert(id);
        }
        Ok(node)
    }

    fn inside(&mut self, value: Value<'a>) -> Result<Option<Node>, Problem> {
        let pickle = self.pickle();
        let Some(object) = pickle.object(value) else { return Ok(None) };
        match object {
            Object::Dictionary(items) if is_module(pickle, items) => self.module(items).map(dictionary),
            Object::Dictionary(items) => self.dictionary(items).map(dictionary),
            Object::List(values) | Object::Tuple(values) | Object::Set(values) => {
                self.places(values).map(dictionary)
            }
            Object::Instance(_) => self.instance(value),
            _ => Ok(None),
        }
    }

    fn dictionary(&mut self, items: &[(Value<'a>, Value<'a>)]) -> Result<Vec<(String, Node)>, Problem> {
        let mut found = Entries::default();
        for (key, value) in items {
            // Also what is no tensor takes the place of an earlier value of the same key.
            let is_text = self.pickle().text(*key).is_some();
            let key = key::text(self.pickle(), *key, 0);
            self.visit(key.len())?;
            match self.node(*value)? {
                Some(node) => found.insert_of(key, is_text, node),
                None => found.remove(&key, is_text),
            }
        }
        Ok(found.into_nodes())
    }

    fn places(&mut self, values: &[Value<'a>]) -> Result<Vec<(String, Node)>, Problem> {
        let mut found = Vec::new();
        for (place, value) in values.iter().enumerate() {
            self.visit(0)?;
            found.extend(self.node(*value)?.map(|node| (place.to_string(), node)));
        }
        Ok(found)
    }

    /// An object: what was stored in it under keys, its attributes, its elements; if there is none of
    /// these, what it was made of.
    fn instance(&mut self, value: Value<'a>) -> Result<Option<Node>, Problem> {
        let pickle = self.pickle();
        let Some(instance) = pickle.instance(value) else { return Ok(None) };
        let mut found = Entries::default();
        found.extend(self.dictionary(&instance.items)?);
        for state in instance.state.iter().flat_map(|state| states(pickle, state)) {
            match self.node(*state)? {
                // A module has nothing else that its `state_dict()` would hold.
                Some(module) if attributes(pickle, *state).is_some_and(|items| is_module(pickle, items)) => {
                    return Ok(Some(module));
                }
                Some(Node::Dictionary(attributes)) => found.extend(attributes),
                Some(tensor) => found.insert("state".into(), tensor),
                None => (),
            }
        }
        found.extend(self.places(&instance.elements)?);
        if found.is_empty() {
            return self.made_of(instance.arguments);
        }
        Ok(dictionary(found.into_nodes()))
    }

    /// What a call was given. One argument alone stands for what was made of it: the
    /// dictionary of a `Counter`, the pairs of an `OrderedDict` of Python 2.
    fn made_of(&mut self, arguments: Value<'a>) -> Result<Option<Node>, Problem> {
        let pickle = self.pickle();
        let values = pickle.elements(arguments).unwrap_or_default();
        if let [pairs] = values
            && let Some(pairs) = pairs_of(pickle, *pairs)
        {
            return self.dictionary(&pairs).map(dictionary);
        }
        let mut found = self.places(values)?;
        match &found[..] {
            [(_, Node::Dictionary(_))] => Ok(found.pop().map(|(_, node)| node)),
            _ => Ok(dictionary(found)),
        }
    }

    /// The parameters and persistent buffers of a module, under the names of its `state_dict()`.
    fn module(&mut self, items: &[(Value<'a>, Value<'a>)]) -> Result<Vec<(String, Node)>, Problem> {
        let pickle = self.pickle();
        let mut found = Entries::default();
        let passing = attribute(pickle, items, "_non_persistent_buffers_set");
        let passing: BTreeSet<&str> = match passing.and_then(|names| pickle.object(names)) {
            Some(Object::Set(names)) => names.iter().filter_map(|name| pickle.text(*name)).collect(),
            Some(Object::Instance(set)) => {
                let names = pickle.elements(set.arguments).and_then(|names| pickle.elements(*names.first()?));
                names.unwrap_or_default().iter().filter_map(|name| pickle.text(*name)).collect()
            }
            _ => BTreeSet::new(),
        };
        (0..passing.len()).try_for_each(|_| self.visit(0))?;
        for own in ["_parameters", "_buffers", "_modules"] {
            let Some(Node::Dictionary(members)) =
                attribute(pickle, items, own).map(|members| self.node(members)).transpose()?.flatten()
            else {
                continue;
            };
            for (name, node) in members {
                match node {
                    Node::Dictionary(inner) => {
                        for (rest, node) in inner {
                            let name = format!("{name}.{rest}");
                            self.visit(name.len())?;
                            found.insert(name, node);
                        }
                    }
                    Node::Tensor(_) if own == "_buffers" && passing.contains(&name[..]) => (),
                    tensor => found.insert(name, tensor),
                }
            }
        }
        Ok(found.into_nodes())
    }

    /// Counts something that is looked at, and the length of its name.
    fn visit(&mut self, len: usize) -> Result<(), Problem> {
        let left = self.visits.checked_sub(1 + len / 64);
        self.visits =
            left.ok_or_else(|| Problem::TooMuch("its objects lie in one another too often".into()))?;
        Ok(())
    }
}

fn dictionary(entries: Vec<(String, Node)>) -> Option<Node> {
    (!entries.is_empty()).then_some(Node::Dictionary(entries))
}

/// What a state is made of: the attributes, or these and those of `__slots__`.
fn states<'p, 'a>(pickle: &'p Pickle<'a>, state: &'p Value<'a>) -> &'p [Value<'a>] {
    let is_part = |part: &Value<'a>| *part == Value::None || attributes(pickle, *part).is_some();
    match pickle.object(*state) {
        Some(Object::Tuple(parts)) if parts.len() == 2 && parts.iter().all(is_part) => parts,
        _ => std::slice::from_ref(state),
    }
}

/// The dictionary that a state is, if it is one.
fn attributes<'p, 'a>(pickle: &'p Pickle<'a>, value: Value<'a>) -> Option<&'p [(Value<'a>, Value<'a>)]> {
    match pickle.object(value)? {
        Object::Dictionary(items) => Some(items),
        _ => None,
    }
}

fn attribute<'a>(pickle: &Pickle<'a>, items: &[(Value<'a>, Value<'a>)], name: &str) -> Option<Value<'a>> {
    items.iter().rfind(|(key, _)| pickle.text(*key) == Some(name)).map(|item| item.1)
}

/// Whether these are the attributes of a `torch.nn.Module`.
fn is_module<'a>(pickle: &Pickle<'a>, items: &[(Value<'a>, Value<'a>)]) -> bool {
    ["_parameters", "_modules"].iter().all(|name| attribute(pickle, items, name).is_some())
}

/// A list of pairs, as what a dictionary is made of.
fn pairs_of<'a>(pickle: &Pickle<'a>, value: Value<'a>) -> Option<Vec<(Value<'a>, Value<'a>)>> {
    let Object::List(pairs) = pickle.object(value)? else { return None };
    let pair = |pair: &Value<'a>| match pickle.elements(*pair)? {
        [key, value] if pickle.text(*key).is_some() => Some((*key, *value)),
        _ => None,
    };
    pairs.iter().map(pair).collect()
}
