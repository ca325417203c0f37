//! stub
pub fn bundle(_: &crate::cli::PolicyBundle) -> Result<u8, crate::error::Error> {
    Ok(0)
}
