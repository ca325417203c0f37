//! stub
pub fn show(_: &crate::cli::PolicyShow) -> Result<u8, crate::error::Error> {
    Ok(0)
}
