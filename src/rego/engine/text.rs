//! The text of expressions and conditions as they are written. The engine's spans leave out the quotes of strings and
//! parentheses, and that of an operator begins at the operator.

use std::ops::Range;

use regorus::unstable::{Expr, Span};

/// An expression as it is written.
pub fn of_expr(expr: &Expr) -> String {
    within(expr.span(), range(expr))
}

/// What a span covers, as it is written.
pub fn of_span(span: &Span) -> String {
    within(span, bytes(span))
}

fn bytes(span: &Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

fn range(expr: &Expr) -> Range<usize> {
    let inner = children(expr).into_iter().map(range);
    inner.fold(bytes(expr.span()), |all, part| all.start.min(part.start)..all.end.max(part.end))
}

fn within(span: &Span, Range { mut start, mut end }: Range<usize>) -> String {
    let source = span.source.contents();
    let bytes = source.as_bytes();
    let is_quote = |at: usize| bytes.get(at).is_some_and(|byte| matches!(byte, b'"' | b'`'));
    // Nothing but a string begins or ends beside a quote.
    if start > 0 && is_quote(start - 1) {
        start -= 1;
    }
    if is_quote(end) {
        end += 1;
    }
    let depth = |range: Range<usize>| {
        let (mut least, mut depth) = (0_i32, 0_i32);
        for byte in &bytes[range] {
            depth += i32::from(*byte == b'(') - i32::from(*byte == b')');
            least = least.min(depth);
        }
        (least, depth)
    };
    while depth(start..end).0 < 0 && source[..start].trim_end().ends_with('(') {
        start = source[..start].trim_end().len() - 1;
    }
    while depth(start..end).1 > 0 && source[end..].trim_start().starts_with(')') {
        end = source.len() - source[end..].trim_start().len() + 1;
    }
    source.get(start..end).unwrap_or_default().to_owned()
}

/// The expressions directly below one; not those of comprehensions.
pub fn children(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().map(|item| &**item).collect(),
        Expr::Object { fields, .. } => fields.iter().flat_map(|(_, key, value)| [&**key, &**value]).collect(),
        Expr::Call { fcn, params, .. } => std::iter::once(fcn).chain(params).map(|part| &**part).collect(),
        Expr::UnaryExpr { expr, .. } => vec![expr],
        Expr::RefDot { refr, .. } => vec![refr],
        Expr::RefBrack { refr, index, .. } => vec![refr, index],
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => vec![lhs, rhs],
        Expr::Membership { key, value, collection, .. } => {
            key.iter().map(|key| &**key).chain([&**value, &**collection]).collect()
        }
        _ => Vec::new(),
    }
}
