//! What tells one kind of vision transformer from another.

use std::collections::{BTreeMap, BTreeSet};

use sapwood_core::ParamPath;

use super::{HEAD, TIMM, TORCHVISION, Variant};

/// The shapes of tensors by their names.
type Shapes = BTreeMap<ParamPath, Vec<usize>>;

/// What the shapes of its weights say of a vision transformer.
struct Kind {
    blocks: usize,
    /// The sides of a patch.
    patch: [usize; 2],
    channels: usize,
    /// The names of what stands beside the places.
    tokens: Vec<String>,
    /// The shape of its positions, if they are learnt.
    positions: Option<Vec<usize>>,
}

/// How weights differ from our own in what makes a vision transformer: clauses that each say what was expected and what
/// was found. `None` where one of the two is no vision transformer, or they have other names.
pub(crate) fn unlike(theirs: &Shapes, ours: impl FnOnce() -> Option<Shapes>) -> Option<Vec<String>> {
    let of = |variant| Some((variant, Kind::of(variant, theirs)?));
    let (variant, theirs) = [TIMM, TORCHVISION].into_iter().find_map(of)?;
    Some(Kind::of(variant, &ours()?)?.unlike(&theirs))
}

impl Kind {
    /// That of weights under one publisher's names, if these are a vision transformer's.
    fn of(variant: Variant, shapes: &Shapes) -> Option<Self> {
        let patches = shapes.get(format!("{}.weight", variant.patches).as_str())?;
        let [channels, _, height, width] = patches[..] else { return None };
        let names = || shapes.keys().map(|path| path.as_str());
        let number = |name: &str| name.strip_prefix(variant.block)?.split('.').next()?.parse::<usize>().ok();
        let blocks: BTreeSet<usize> = names().filter_map(number).collect();
        let tokens = names().filter(|name| !name.contains('.') && name.contains("token"));
        (!blocks.is_empty()).then(|| Self {
            blocks: blocks.len(),
            patch: [height, width],
            channels,
            tokens: tokens.map(Into::into).collect(),
            positions: shapes.get(variant.positions).cloned(),
        })
    }

    fn unlike(&self, theirs: &Self) -> Vec<String> {
        let mut clauses = Vec::new();
        if theirs.blocks != self.blocks {
            clauses.push(format!("expected {} blocks, found {}", self.blocks, theirs.blocks));
        }
        if theirs.patch != self.patch {
            let [ours, theirs] = [self, theirs].map(|kind| kind.patch.map(|side| side.to_string()).join("x"));
            clauses.push(format!("expected patches of {ours} pixels, found {theirs}"));
        }
        if !theirs.channels.is_multiple_of(HEAD) {
            clauses.push(format!(
                "expected a multiple of {HEAD} channels, since heads have {HEAD} each, found {}",
                theirs.channels
            ));
        }
        if theirs.tokens != self.tokens {
            let [ours, theirs] = [self, theirs].map(|kind| listed(&kind.tokens));
            clauses.push(format!("expected the token {ours} alone, found {theirs}"));
        } else if !theirs.has_square_places() {
            let found = theirs.positions.as_ref().map_or("none".into(), |shape| format!("{shape:?}"));
            let channels = theirs.channels;
            clauses.push(format!(
                "expected positions of one token and SxS patches, [1, 1 + S*S, {channels}], found {found}"
            ));
        }
        clauses
    }

    /// Whether there are positions of one token and of the patches of a square image.
    fn has_square_places(&self) -> bool {
        match self.positions.as_deref() {
            Some(&[1, count, _]) if 1 < count => (count - 1).isqrt().pow(2) == count - 1,
            _ => false,
        }
    }
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "none".into(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}
