//! Changes to JSON documents that leave them JSON. A fuzzer that changes bytes mostly makes what no
//! parser takes; this reaches what is behind the parser.

use serde_json::{Number, Value};

/// Makes one change to the document in `data[..size]` where it is one; `None` where it is none, or
/// becomes too long.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> Option<usize> {
    let mut document: Value = serde_json::from_slice(data.get(..size)?).ok()?;
    let mut random = Random(u64::from(seed));
    let nodes = count(&document);
    let mut chosen = random.below(nodes);
    change(&mut document, &mut chosen, &mut random);
    let text = serde_json::to_vec(&document).ok()?;
    let place = data.get_mut(..text.len())?;
    if text.len() > max_size {
        return None;
    }
    place.copy_from_slice(&text);
    Some(text.len())
}

fn children(value: &mut Value) -> Vec<&mut Value> {
    match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        _ => Vec::new(),
    }
}

fn count(value: &Value) -> u64 {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// Changes the value of this number, counted depth first; whether it was in this one.
fn change(value: &mut Value, chosen: &mut u64, random: &mut Random) -> bool {
    if *chosen == 0 {
        change_this(value, random);
        return true;
    }
    *chosen -= 1;
    children(value)
        .into_iter()
        .any(|child| change(child, chosen, random))
}

fn change_this(value: &mut Value, random: &mut Random) {
    match value {
        Value::Number(number) if random.below(8) > 0 => {
            *value = Value::Number(near(number, random))
        }
        Value::Bool(it) if random.below(8) > 0 => *it = !*it,
        Value::String(text) if random.below(8) > 0 => change_text(text, random),
        Value::Array(items) if !items.is_empty() && random.below(16) > 0 => {
            let at = random.below(items.len() as u64) as usize;
            match random.below(3) {
                0 => drop(items.remove(at)),
                1 => items.insert(at, items[at].clone()),
                _ => items.swap(0, at),
            }
        }
        Value::Object(fields) if !fields.is_empty() && random.below(16) > 0 => {
            let at = random.below(fields.len() as u64) as usize;
            if let Some(name) = fields.keys().nth(at).cloned() {
                let it = fields.remove(&name).unwrap_or_default();
                // Enumerations with content are objects of one field.
                if random.below(2) == 0 {
                    let other = fields.keys().nth(at / 2).cloned();
                    fields.insert(other.unwrap_or_default(), it);
                }
            }
        }
        _ => {
            *value = match random.below(6) {
                0 => Value::Null,
                1 => Value::Bool(true),
                2 => Value::from(u64::MAX),
                3 => Value::from(0),
                4 => Value::Array(Vec::new()),
                _ => Value::from(""),
            }
        }
    }
}

/// Another number: a limit of some width, one beside it, or one bit of it changed.
fn near(number: &Number, random: &mut Random) -> Number {
    let old = number
        .as_u64()
        .or_else(|| number.as_i64().map(|it| it as u64))
        .unwrap_or_default();
    let bit = 1 << random.below(64);
    match random.below(8) {
        0 => 0.into(),
        1 => u64::MAX.into(),
        2 => i64::MIN.into(),
        3 => u32::MAX.into(),
        4 => old.wrapping_add(1).into(),
        5 => old.wrapping_sub(1).into(),
        6 => u64::wrapping_sub(bit, random.below(2)).into(),
        _ => (old ^ bit).into(),
    }
}

fn change_text(text: &mut String, random: &mut Random) {
    const OTHERS: [&str; 10] = [
        "",
        "/",
        "\0",
        "a",
        "..",
        "\u{1b}[2J",
        "00",
        "ffffffffffffffff",
        "é",
        "-1",
    ];
    let at = random.below(text.len() as u64 + 1) as usize;
    let at = (0..=at).rev().find(|&at| text.is_char_boundary(at));
    let at = at.unwrap_or_default();
    match random.below(4) {
        0 => text.truncate(at),
        1 => {
            let other = OTHERS[random.below(OTHERS.len() as u64) as usize];
            text.insert_str(at, other);
        }
        2 => text.insert_str(at, &text[at..].to_owned()),
        // Digits, hexadecimal ones too.
        _ => {
            let digits: Vec<usize> = text
                .char_indices()
                .filter(|(_, c)| c.is_ascii_hexdigit())
                .map(|(n, _)| n)
                .collect();
            if !digits.is_empty() {
                let n = digits[random.below(digits.len() as u64) as usize];
                let digit = format!("{:x}", random.below(16));
                text.replace_range(n..n + 1, &digit);
            }
        }
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % n.max(1)
    }
}
