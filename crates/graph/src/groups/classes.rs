//! Sets of indices that leave together, as they are joined.

/// Indices in disjoint sets, each free to leave or with a reason to stay.
#[derive(Default)]
pub(super) struct Classes {
    parents: Vec<u32>,
    /// At the root of each set: the position of its reason plus 1, or 0.
    stays: Vec<u32>,
    reasons: Vec<String>,
    /// Whether anything was joined or has to stay since this was last set to false.
    pub(super) changed: bool,
}

impl Classes {
    /// New indices, each alone; the first of them is returned.
    pub(super) fn extend(&mut self, count: usize) -> u32 {
        let first = self.parents.len() as u32;
        self.parents.extend(first..first + count as u32);
        self.stays.resize(self.parents.len(), 0);
        self.changed = true;
        first
    }

    pub(super) fn len(&self) -> usize {
        self.parents.len()
    }

    pub(super) fn root(&self, index: u32) -> u32 {
        let mut at = index;
        while self.parents[at as usize] != at {
            at = self.parents[at as usize];
        }
        at
    }

    pub(super) fn join(&mut self, one: u32, other: u32) {
        let (a, b) = (self.root(one), self.root(other));
        let (kept, gone) = (a.min(b), a.max(b));
        if kept != gone {
            self.parents[gone as usize] = kept;
            if self.stays[kept as usize] == 0 {
                self.stays[kept as usize] = self.stays[gone as usize];
            }
            self.changed = true;
        }
        // Paths stay short: what was asked for leads to the root at once.
        self.parents[one as usize] = kept;
        self.parents[other as usize] = kept;
    }

    /// Notes why an index must stay; the first reason remains.
    pub(super) fn keep(&mut self, indices: &[u32], reason: &str) {
        for index in indices {
            let root = self.root(*index) as usize;
            if self.stays[root] == 0 {
                if self.reasons.last().is_none_or(|last| last != reason) {
                    self.reasons.push(reason.into());
                }
                self.stays[root] = self.reasons.len() as u32;
                self.changed = true;
            }
        }
    }

    pub(super) fn reason(&self, index: u32) -> Option<&str> {
        let at = self.stays[self.root(index) as usize].checked_sub(1)?;
        self.reasons.get(at as usize).map(String::as_str)
    }
}
