//! The networks at the corners of a space.

use sapwood_search::Genome;

use crate::{Error, Family, family::resolution};

/// There are twice as many corners with each list.
const MOST_LISTS: usize = 10;

impl Family {
    /// The networks in which each list of choices, such as the depths or the kernels, is at its
    /// smallest or at its largest; from the smallest network to the largest, in full resolution.
    ///
    /// # Errors
    /// More than ten lists.
    pub fn corners(&self) -> Result<Vec<Genome>, Error> {
        let (space, largest) = (self.space(), self.largest());
        let list = |at: usize| {
            let name = space.choices()[at].name();
            name.rsplit_once('.').map_or(name, |(list, _)| list)
        };
        let varied: Vec<usize> =
            (0..space.choices().len()).filter(|at| Some(*at) != resolution(space)).collect();
        let mut lists: Vec<&str> = varied.iter().map(|at| list(*at)).collect();
        lists.sort_unstable();
        lists.dedup();
        if MOST_LISTS < lists.len() {
            let problem =
                format!("expected at most {MOST_LISTS} lists of choices for corners, found {}", lists.len());
            return Err(Error::Family { family: self.name().into(), problem });
        }
        let mut found: Vec<Genome> = Vec::new();
        for corner in 0..1_usize << lists.len() {
            let mut positions = largest.positions().to_vec();
            for at in &varied {
                if lists
                    .iter()
                    .position(|each| *each == list(*at))
                    .is_some_and(|number| corner >> number & 1 == 0)
                {
                    positions[*at] = 0;
                }
            }
            let genome = space.genome(&positions)?;
            if !found.contains(&genome) {
                found.push(genome);
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use crate::family;

    #[test]
    fn each_list_is_at_one_of_its_ends() {
        let family = family("mbv3-small-image", None, None).unwrap();
        let corners = family.corners().unwrap();
        assert_eq!(corners.len(), 8);
        assert_eq!(corners[0], family.at_full_resolution(&family.smallest()).unwrap());
        assert_eq!(corners[7], family.largest());
        let text = family.space().text(&corners[1]);
        assert!(text.starts_with("r=32 d.0=3 d.1=3 d.2=3 ks.0=3") && text.contains("e.0=2"), "{text}");
    }
}
