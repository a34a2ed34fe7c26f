//! What a data set is, whatever it is called and wherever it lies.

use crate::{Dataset, Labels};

impl Dataset {
    /// BLAKE3, in 64 hexadecimal digits, of all that a network can learn from here: the shape of an
    /// example, the names of the classes in their order, the labels, and the stored values. Two data
    /// sets with the same digits are the same, whatever files they were read from; the names of
    /// those files do not enter, nor does the name of the data set or its normalisation. Of images
    /// that get another size whenever they are asked for those that are stored enter, and how they get it.
    ///
    /// Each part is preceded by its length, so that nothing can move from one part to the next.
    pub fn content(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        part(&mut hasher, b"sapwood data set 1");
        part(&mut hasher, &self.shape().map(|n| (n as u64).to_le_bytes()).concat());
        part(&mut hasher, &(self.task().outputs() as u64).to_le_bytes());
        part(&mut hasher, &(self.class_names().len() as u64).to_le_bytes());
        self.class_names().iter().for_each(|name| part(&mut hasher, name.as_bytes()));
        match self.labels() {
            Labels::Class(labels) => {
                part(&mut hasher, b"classes");
                let labels: Vec<u8> = labels.iter().flat_map(|label| label.to_le_bytes()).collect();
                part(&mut hasher, &labels);
            }
            Labels::Dense(values) => {
                part(&mut hasher, b"dense");
                part(&mut hasher, values);
            }
        }
        if self.is_of_numbers() {
            part(&mut hasher, b"numbers");
        }
        hasher.update(&(self.values().byte_count() as u64).to_le_bytes());
        self.values().bytes(|piece| {
            hasher.update(piece);
        });
        if let Some(resizing) = self.resizing() {
            part(&mut hasher, serde_json::json!([resizing.from, resizing.fit]).to_string().as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}

fn part(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Normalisation, Task};

    fn dataset(shape: [usize; 3], names: &[&str], images: &[u8], labels: &[u32]) -> Dataset {
        let labels = Labels::Class(labels.to_vec());
        let task = Task::Classes(2);
        let made = Dataset::new("own", shape, task, Normalisation::unit(1.0), images.to_vec(), labels);
        made.unwrap().with_classes(names.iter().copied())
    }

    #[test]
    fn whatever_can_be_learnt_decides_the_digits_and_nothing_else() {
        let all = [
            dataset([1, 1, 2], &["ab", "c"], &[1, 2, 3, 4], &[0, 1]),
            dataset([1, 2, 1], &["ab", "c"], &[1, 2, 3, 4], &[0, 1]),
            dataset([1, 1, 2], &["a", "bc"], &[1, 2, 3, 4], &[0, 1]),
            dataset([1, 1, 2], &["c", "ab"], &[1, 2, 3, 4], &[0, 1]),
            dataset([1, 1, 2], &[], &[1, 2, 3, 4], &[0, 1]),
            dataset([1, 1, 2], &["ab", "c"], &[1, 2, 3, 5], &[0, 1]),
            dataset([1, 1, 2], &["ab", "c"], &[3, 4, 1, 2], &[0, 1]),
            dataset([1, 1, 2], &["ab", "c"], &[1, 2, 3, 4], &[1, 0]),
            dataset([1, 1, 2], &["ab", "c"], &[1, 2], &[0]),
        ];
        let mut digits: Vec<String> = all.iter().map(Dataset::content).collect();
        assert!(digits.iter().all(|text| text.len() == 64), "{digits:?}");
        assert_eq!(digits[0], all[0].clone().content());
        digits.sort();
        digits.dedup();
        assert_eq!(digits.len(), all.len(), "two different data sets share their digits");
    }
}
