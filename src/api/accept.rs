//! In which of the forms that a call can be answered in does its caller want the answer? `Accept`, as RFC 9110 has it.

use axum::http::{HeaderMap, header};

use super::extract::header_lines;

/// How well one range of `Accept` names a media type: by the whole name, by what stands before the slash, or as any.
type Precision = u8;

/// The index of the form that the caller likes best: of those equally liked the one that is named most precisely, then the
/// one that is named first. The first of all where none is named: who asks for what there is not gets what there is.
pub fn preferred(headers: &HeaderMap, offered: &[&str]) -> usize {
    let lines = header_lines(headers, &header::ACCEPT);
    let Some(accept) = lines.as_ref().and_then(|lines| lines.to_str().ok()) else { return 0 };
    let ranges: Vec<(&str, f32)> = accept.split(',').map(range).collect();
    let liked = |index: usize| {
        let named = (0..).zip(&ranges).filter_map(|(at, (range, weight))| {
            Some((precision(range, offered[index])?, std::cmp::Reverse::<usize>(at), *weight))
        });
        // What is named more precisely overrules what is named less so.
        let (precision, at, weight) = named.max_by_key(|(precision, at, _)| (*precision, *at))?;
        (weight > 0.0).then_some((weight, precision, at))
    };
    let best = (0..offered.len()).rev().filter_map(|index| Some((liked(index)?, index)));
    best.max_by(|(a, _), (b, _)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)))
        .map_or(0, |(_, index)| index)
}

/// A range and how much it is liked, from 0 for not at all to 1.
fn range(text: &str) -> (&str, f32) {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let weight = parts.filter_map(|part| part.split_once('=')).find(|(key, _)| key.trim().eq_ignore_ascii_case("q"));
    let weight = weight.and_then(|(_, weight)| weight.trim().parse().ok());
    (name, weight.filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or(1.0))
}

fn precision(range: &str, media_type: &str) -> Option<Precision> {
    if range.eq_ignore_ascii_case(media_type) {
        return Some(2);
    }
    let (kind, _) = media_type.split_once('/')?;
    match range.split_once('/')? {
        ("*", "*") => Some(0),
        (asked, "*") if asked.eq_ignore_ascii_case(kind) => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const OFFERED: [&str; 4] = ["application/json", "text/csv", "text/markdown", "text/event-stream"];

    fn of(lines: &[&'static str]) -> &'static str {
        let lines = lines.iter().map(|line| (header::ACCEPT, HeaderValue::from_static(line)));
        let mut headers = HeaderMap::new();
        lines.for_each(|(name, value)| _ = headers.append(name, value));
        OFFERED[preferred(&headers, &OFFERED)]
    }

    #[test]
    fn the_form_that_is_liked_best_is_chosen() {
        for (lines, expected) in [
            (&[][..], "application/json"),
            (&["*/*"], "application/json"),
            (&["image/png"], "application/json"),
            (&["text/csv"], "text/csv"),
            (&["Text/CSV"], "text/csv"),
            (&["text/*"], "text/csv"),
            (&["text/csv, */*"], "text/csv"),
            (&["application/json, text/csv"], "application/json"),
            (&["text/event-stream, application/json"], "text/event-stream"),
            (&["text/html, text/markdown;q=0.9, */*;q=0.1"], "text/markdown"),
            (&["text/markdown;q=0.9, */*"], "application/json"),
            (&["text/csv; Q=0.5, text/markdown; charset=utf-8; q=0.6"], "text/markdown"),
            (&["text/csv;q=0"], "application/json"),
            (&["text/event-stream;q=0, */*"], "application/json"),
            (&["text/csv;q=0, text/*"], "text/markdown"),
            (&["text/html", "text/csv"], "text/csv"),
            (&["text/csv;q=much, application/json;q=0.9"], "text/csv"),
            (&["text/csv;q=nan, application/json;q=0.9"], "text/csv"),
            (&["application/json, text/csv;q=5"], "application/json"),
            (&["", ",;,/"], "application/json"),
        ] {
            assert_eq!(of(lines), expected, "{lines:?}");
        }
    }
}
