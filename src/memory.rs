//! The allocator: the system's, with a cap on what a policy thread may hold. Nothing else is counted.
//!
//! The engine can be made to ask for gigabytes in one step, past its own limits; the process would be killed and no
//! verdict written. Over the cap the policy thread stops for good instead, and whoever waits for it reports.
#![allow(unsafe_code, reason = "GlobalAlloc is an unsafe trait; every call goes to the system's allocator as it came")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};
use std::time::Duration;

/// The system's allocator, counting on threads that called [`cap_this_thread`].
pub struct Capped;

#[global_allocator]
static ALLOCATOR: Capped = Capped;

static USED: AtomicIsize = AtomicIsize::new(0);
static LIMIT: AtomicIsize = AtomicIsize::new(isize::MAX);
static OVER: AtomicBool = AtomicBool::new(false);

thread_local! {
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}

/// Counts this thread's allocations from now on; past `bytes` it stops for good, and [`exceeded`] says so.
pub fn cap_this_thread(bytes: usize) {
    LIMIT.store(isize::try_from(bytes).unwrap_or(isize::MAX), Ordering::SeqCst);
    USED.store(0, Ordering::SeqCst);
    COUNTED.set(true);
}

/// Whether a capped thread has stopped for want of memory.
pub fn exceeded() -> bool {
    OVER.load(Ordering::SeqCst)
}

fn count(bytes: usize) {
    if COUNTED.get() {
        let bytes = isize::try_from(bytes).unwrap_or(isize::MAX);
        let used = USED.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if used > LIMIT.load(Ordering::Relaxed) {
            stop();
        }
    }
}

fn discount(bytes: usize) {
    if COUNTED.get() {
        USED.fetch_sub(isize::try_from(bytes).unwrap_or(isize::MAX), Ordering::Relaxed);
    }
}

#[cold]
fn stop() -> ! {
    OVER.store(true, Ordering::SeqCst);
    loop {
        std::thread::sleep(Duration::MAX);
    }
}

// SAFETY: each method passes its arguments to `System` unchanged and returns what that returns.
unsafe impl GlobalAlloc for Capped {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        discount(layout.size());
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.saturating_sub(layout.size()));
        discount(layout.size().saturating_sub(size));
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
