//! TensorFlow's record format: data with its length, each with a checksum.
//!
//! `tensorflow/core/lib/io/record_writer.h` describes it:
//!
//! ```text
//! uint64    length
//! uint32    masked crc of length
//! byte      data[length]
//! uint32    masked crc of data
//! ```

/// Appends `data` as one record.
pub(super) fn append(out: &mut Vec<u8>, data: &[u8]) {
    let length = (data.len() as u64).to_le_bytes();
    out.extend(length);
    out.extend(masked_crc(&length).to_le_bytes());
    out.extend(data);
    out.extend(masked_crc(data).to_le_bytes());
}

/// The CRC32C of `data`, rotated right by 15 bits plus a constant: the format masks
/// it because a checksum of data that hold their own checksum says little.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_without_data_is_two_checksums_and_a_zero() {
        let mut record = Vec::new();
        append(&mut record, b"");
        // The CRC32C of nothing is 0, so its mask is the constant itself.
        assert_eq!(record[12..], [0xd8, 0xea, 0x82, 0xa2]);
        assert_eq!((record.len(), &record[..8]), (16, &[0; 8][..]));
    }

    #[test]
    fn the_checksum_is_the_one_of_castagnoli() {
        // The check value that catalogues of checksums give for CRC-32C.
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(masked_crc(b"123456789"), 0xe306_9283_u32.rotate_right(15).wrapping_add(0xa282_ead8));
    }
}
