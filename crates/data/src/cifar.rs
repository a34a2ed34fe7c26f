//! The official binary layout of CIFAR-10 and CIFAR-100.
//!
//! A file is a sequence of records: the label bytes (one for CIFAR-10; coarse and
//! fine for CIFAR-100), then the 3,072 bytes of a 3x32x32 image, channel after
//! channel (Krizhevsky 2009).

/// Appends the records of one file to `images` and `labels`; of several label
/// bytes the last one, the finest, is taken.
pub(crate) fn parse(
    bytes: &[u8],
    label_bytes: usize,
    image_bytes: usize,
    images: &mut Vec<u8>,
    labels: &mut Vec<u32>,
) -> Result<(), String> {
    let record = label_bytes + image_bytes;
    if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
        return Err(format!(
            "it should be a whole number of records of {record} bytes, but has {} bytes",
            bytes.len()
        ));
    }
    for record in bytes.chunks_exact(record) {
        let (label, image) = record.split_at(label_bytes);
        labels.extend(label.last().map(|label| u32::from(*label)));
        images.extend_from_slice(image);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_and_a_cut_anywhere_else_is_refused() {
        let file = [7, 3, 10, 11, 12, 8, 4, 20, 21, 22];
        for end in 0..=file.len() {
            let (mut images, mut labels) = (vec![], vec![]);
            let result = parse(&file[..end], 2, 3, &mut images, &mut labels);
            match end {
                5 => assert_eq!((images, labels), (vec![10, 11, 12], vec![3])),
                10 => assert_eq!((images, labels), (vec![10, 11, 12, 20, 21, 22], vec![3, 4])),
                _ => assert!(result.unwrap_err().contains("records of 5 bytes, but has"), "{end}"),
            }
        }
    }
}
