//! The protocol by hand: frames with sound checksums, whatever is in them.

/// What both sides begin with.
pub const GREETING: &[u8] = b"paprmigr\x01\0\0\0";

/// Numbers of kinds of frames: see `src/wire/frame.rs`.
pub const OFFER: u8 = 1;
pub const RAM: u8 = 2;
pub const STATE: u8 = 4;
pub const COMPLETE: u8 = 5;
pub const ASK: u8 = 10;
pub const LUGGAGE: u8 = 11;
pub const VERDICT: u8 = 37;

fn crc(bytes: &[u8]) -> [u8; 4] {
    crc32fast::hash(bytes).to_le_bytes()
}

/// A frame that says that its payload has `length` bytes.
pub fn frame(kind: u8, number: u32, length: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0, 0, 0];
    bytes.extend(length.to_le_bytes());
    bytes.extend(number.to_le_bytes());
    bytes.extend(crc(payload));
    let checksum = crc(&bytes);
    bytes.extend(checksum);
    bytes.extend(payload);
    bytes
}

/// The same, with the length that it has.
pub fn whole(kind: u8, number: u32, payload: &[u8]) -> Vec<u8> {
    frame(kind, number, payload.len() as u32, payload)
}

/// The first frame of a source.
pub fn offer(page_size: u32, pages: u64) -> Vec<u8> {
    let mut payload = vec![7; 16];
    payload.extend(page_size.to_le_bytes());
    payload.extend(pages.to_le_bytes());
    whole(OFFER, 0, &payload)
}

/// No static payload: the second frame.
pub fn static_payload() -> Vec<u8> {
    whole(LUGGAGE, 1, &[0; 8])
}

/// A frame of pages: their bytes, and runs of first page, count, and whether there are bytes.
pub fn pages(number: u32, data: &[u8], runs: &[(u64, u32, u8)]) -> Vec<u8> {
    let mut payload = data.to_vec();
    for (first, count, data) in runs {
        payload.extend(first.to_le_bytes());
        payload.extend(count.to_le_bytes());
        payload.push(*data);
    }
    payload.extend((runs.len() as u32).to_le_bytes());
    whole(RAM, number, &payload)
}
