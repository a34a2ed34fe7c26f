//! Where a value lies, and how.

/// How the numbers of one image lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `lanes` channels beside each other, pixel by pixel, around which there is a rim of zeros.
    Blocked {
        /// Of the registers of the level.
        lanes: usize,
        /// Rows above, columns to the left, rows below, columns to the right.
        rim: [usize; 4],
    },
    /// Channel by channel, with zeros before the first row and behind each.
    Planar {
        /// From one row to the next.
        pitch: usize,
        /// Zeros before the first row.
        lead: usize,
        /// From one channel to the next.
        plane: usize,
    },
}

/// Where a value lies in an arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where its first image begins.
    pub at: usize,
    /// From one image to the next.
    pub image: usize,
    /// Its channels.
    pub channels: usize,
    /// Height and width.
    pub size: [usize; 2],
    /// How it lies.
    pub form: Form,
}

/// Where one channel of one image lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plane {
    /// Its first pixel.
    pub(crate) first: usize,
    /// From one row to the next, and from one pixel to the next.
    pub(crate) steps: [usize; 2],
}

impl Place {
    /// A value without anything between its numbers, as those who call have it.
    pub fn tight(channels: usize, size: [usize; 2]) -> Self {
        let plane = size[0] * size[1];
        let form = Form::Planar { pitch: size[1], lead: 0, plane };
        Self { at: 0, image: channels * plane, channels, size, form }
    }

    /// A value without anything between its numbers, pixel by pixel. Of one pixel it is [`Place::tight`].
    pub fn by_pixels(channels: usize, size: [usize; 2]) -> Self {
        match size {
            [1, 1] => Self::tight(channels, size),
            _ => Self::blocked(channels, size, channels, [0; 4]),
        }
    }

    /// Whether there is nothing between its numbers, which lie channel by channel or pixel by pixel.
    pub(crate) fn is_tight(&self) -> bool {
        let alone = match self.form {
            Form::Blocked { lanes, rim } => lanes == self.channels && rim == [0; 4],
            Form::Planar { lead, .. } => lead == 0,
        };
        alone && self.image == self.channels * self.pixels()
    }

    /// A value in blocks of channels, with a rim of zeros above, left, below and right of it.
    pub fn blocked(channels: usize, size: [usize; 2], lanes: usize, rim: [usize; 4]) -> Self {
        let area = (size[0] + rim[0] + rim[2]) * (size[1] + rim[1] + rim[3]);
        let image = channels.div_ceil(lanes) * area * lanes;
        Self { at: 0, image, channels, size, form: Form::Blocked { lanes, rim } }
    }

    /// A value channel by channel, with the distance between its rows and the number of zeros before the first. A
    /// plane ends where a vector does, and behind the last there is room for what shifted vectors read.
    pub fn planar(channels: usize, size: [usize; 2], pitch: usize, lead: usize) -> Self {
        let lead = lead.next_multiple_of(VECTOR);
        let plane = lead + (size[0] * pitch).next_multiple_of(VECTOR);
        let image = (channels * plane + lead + VECTOR).next_multiple_of(VECTOR);
        Self { at: 0, image, channels, size, form: Form::Planar { pitch, lead, plane } }
    }

    /// The same value elsewhere.
    pub fn moved(self, at: usize) -> Self {
        Self { at, ..self }
    }

    /// Where it ends, with a number of images: beyond any memory where that cannot be counted.
    pub fn end(&self, images: usize) -> usize {
        images.saturating_mul(self.image).saturating_add(self.at)
    }

    /// Whether they have a place in common, with a number of images each.
    pub fn overlaps(&self, other: &Self, images: usize) -> bool {
        self.at < other.end(images) && other.at < self.end(images)
    }

    /// Pixels of a channel.
    pub fn pixels(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// How many channels lie beside each other, if it lies in blocks.
    pub(crate) fn lanes(&self) -> Option<usize> {
        match self.form {
            Form::Blocked { lanes, .. } => Some(lanes),
            Form::Planar { .. } => None,
        }
    }

    /// Blocks of channels, or channels.
    pub(crate) fn blocks(&self) -> usize {
        match self.form {
            Form::Blocked { lanes, .. } => self.channels.div_ceil(lanes),
            Form::Planar { .. } => self.channels,
        }
    }

    /// From one block to the next.
    pub(crate) fn block(&self) -> usize {
        match self.form {
            Form::Blocked { lanes, rim } => {
                (self.size[0] + rim[0] + rim[2]) * (self.size[1] + rim[1] + rim[3]) * lanes
            }
            Form::Planar { plane, .. } => plane,
        }
    }

    /// From one row to the next, and from one pixel to the next.
    pub(crate) fn steps(&self) -> [usize; 2] {
        match self.form {
            Form::Blocked { lanes, rim } => [(self.size[1] + rim[1] + rim[3]) * lanes, lanes],
            Form::Planar { pitch, .. } => [pitch, 1],
        }
    }

    /// Numbers from where a block begins to its first pixel.
    pub(crate) fn lead(&self) -> usize {
        match self.form {
            Form::Blocked { rim, .. } => {
                let steps = self.steps();
                rim[0] * steps[0] + rim[1] * steps[1]
            }
            Form::Planar { lead, .. } => lead,
        }
    }

    /// Where a channel of an image lies.
    pub(crate) fn plane(&self, image: usize, channel: usize) -> Plane {
        let (block, lane) = match self.form {
            Form::Blocked { lanes, .. } => (channel / lanes, channel % lanes),
            Form::Planar { .. } => (channel, 0),
        };
        let first = self.at + image * self.image + block * self.block() + self.lead() + lane;
        Plane { first, steps: self.steps() }
    }

    /// Whether what it says of itself holds: that no pixel lies outside of an image's numbers. Then none of its numbers
    /// is too large to be counted with.
    pub(crate) fn check(&self) {
        let [height, width] = self.size;
        assert!(self.channels > 0 && height > 0 && width > 0, "a value has numbers");
        let fits = |numbers: Option<usize>, room: usize| numbers.is_some_and(|numbers| numbers <= room);
        match self.form {
            Form::Blocked { lanes, rim: [above, left, below, right] } => {
                let numbers = || {
                    let rows = height.checked_add(above)?.checked_add(below)?;
                    let columns = width.checked_add(left)?.checked_add(right)?;
                    self.blocks().checked_mul(rows)?.checked_mul(columns)?.checked_mul(lanes)
                };
                assert!(lanes > 0 && fits(numbers(), self.image), "blocks end in their image");
            }
            Form::Planar { pitch, lead, plane } => {
                let numbers = || (height - 1).checked_mul(pitch)?.checked_add(lead)?.checked_add(width);
                let ends = width <= pitch && fits(numbers(), plane);
                assert!(
                    ends && fits(self.channels.checked_mul(plane), self.image),
                    "planes end in their image"
                );
            }
        }
    }
}

/// The widest vector that there is, in numbers.
const VECTOR: usize = 16;
