//! A Rego file: its text, its parsed form, and what it declares.

use regorus::unstable::{Expr, Lexer, Module as Ast, Parser, Rule, RuleHead, Source, TokenKind};

use crate::rego::engine::generated::MAX_COLUMNS;

/// A Rego file.
#[derive(Debug, Clone)]
pub struct Module {
    /// Its path, as a finding names it.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// What a Rego file declares.
#[derive(Debug)]
pub struct Outline {
    /// The file's path.
    pub file: String,
    /// The package, such as `rollproof.coverage`.
    pub package: String,
    /// The line of `package`.
    pub package_line: u32,
    /// Its rules in order, a name as often as it has definitions.
    pub rules: Vec<RuleOutline>,
    source: Source,
}

impl Outline {
    /// Its comments: line and what follows `#`. The file is read a second time for them.
    ///
    /// # Errors
    /// In words, with the line.
    pub fn comments(&self) -> Result<Vec<(u32, String)>, String> {
        comments(&self.source).map_err(|error| error.to_string())
    }
}

/// A definition of a rule.
#[derive(Debug)]
pub struct RuleOutline {
    /// The rule's name.
    pub name: String,
    /// The line on which the definition starts.
    pub line: u32,
    /// Whether it is a partial set (`contains`).
    pub set: bool,
}

/// What a Rego file declares.
///
/// # Errors
/// In words, with the line.
pub(crate) fn outline(ast: &Ast) -> Result<Outline, String> {
    let source = ast.package.span.source.clone();
    let rules = ast
        .policy
        .iter()
        .filter_map(|rule| {
            let (refr, set) = match rule.as_ref() {
                Rule::Spec { head: RuleHead::Set { refr, .. }, .. } => (refr, true),
                Rule::Spec { head: RuleHead::Compr { refr, .. } | RuleHead::Func { refr, .. }, .. }
                | Rule::Default { refr, .. } => (refr, false),
            };
            Some(RuleOutline { name: path(refr)?, line: rule.span().line, set })
        })
        .collect();
    let file = source.get_path().clone();
    let package = path(&ast.package.refr).ok_or_else(|| format!("{file}: a package's name is a path of names"))?;
    Ok(Outline { file, package, package_line: ast.package.span.line, rules, source })
}

/// The engine's own functions, and how many arguments each takes.
#[cfg(test)]
pub fn builtins() -> std::collections::BTreeMap<&'static str, usize> {
    regorus::unstable::BUILTINS.iter().map(|(name, (_, arity))| (*name, usize::from(*arity))).collect()
}

pub(crate) fn parse(source: &Source) -> anyhow::Result<Ast> {
    let mut parser = Parser::new(source)?;
    parser.enable_rego_v1()?;
    parser.parse()
}

/// A dotted path of names.
pub(crate) fn path(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Var { span, .. } => Some(span.text().to_owned()),
        Expr::RefDot { refr, field, .. } => Some(format!("{}.{}", path(refr)?, field.0.text())),
        _ => None,
    }
}

/// Comments are not in the syntax tree: they are the lines that begin with `#` and that no token covers.
pub(crate) fn comments(source: &Source) -> anyhow::Result<Vec<(u32, String)>> {
    let mut covered = std::collections::BTreeSet::new();
    let mut lexer = Lexer::new(source);
    lexer.set_max_col(MAX_COLUMNS);
    loop {
        let token = lexer.next_token()?;
        if token.0 == TokenKind::Eof {
            break;
        }
        let inner = u32::try_from(token.1.text().matches('\n').count())?;
        covered.extend(token.1.line..=token.1.line + inner);
    }
    let mut comments = Vec::new();
    for (line, text) in (1..).zip(source.contents().lines()) {
        if let (false, Some(comment)) = (covered.contains(&line), text.trim_start().strip_prefix('#')) {
            comments.push((line, comment.to_owned()));
        }
    }
    Ok(comments)
}

pub(crate) fn last_line(error: &anyhow::Error) -> String {
    error.to_string().lines().last().unwrap_or_default().to_owned()
}
