//! The allocator: mimalloc, with a cap on what a policy thread may hold, and a count of how often it asked for memory.
//! Nothing else is counted.
//!
//! The engine can be made to ask for gigabytes in one step, past its own limits; the process would be killed and no
//! verdict written. Over the cap the policy thread stops for good instead, and whoever waits for it reports.
//!
//! The engine's own feature `allocator-memory-limits` does not replace this: it checks between the steps of the
//! interpreter, and one step can ask for gigabytes; its limit is one for the whole process, with the evidence in it, and not
//! one for a thread; and what counts there is an allocator with unsafe code, too.
#![allow(unsafe_code, reason = "GlobalAlloc is an unsafe trait; every call goes to mimalloc as it came")]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicU64, Ordering};
use std::time::Duration;

use mimalloc::MiMalloc;

/// Mimalloc, counting on threads that have a [`Budget`]. A program that evaluates policies declares it as its
/// `#[global_allocator]`; where none does, no policy is evaluated.
#[derive(Debug, Clone, Copy)]
pub struct CappedAllocator;

/// What one thread may hold. That thread alone counts, so that no count needs a locked instruction.
#[derive(Debug)]
pub struct Budget {
    limit: isize,
    used: AtomicIsize,
    requests: AtomicU64,
    over: AtomicBool,
}

thread_local! {
    static BUDGET: Cell<*const Budget> = const { Cell::new(ptr::null()) };
}

/// How often this thread has asked for memory since it has a [`Budget`]: a measure of what the engine did that is the
/// same on any machine.
pub fn requests() -> u64 {
    budget().map_or(0, |budget| budget.requests.load(Ordering::Relaxed))
}

impl Budget {
    /// A budget of `bytes`.
    pub fn new(bytes: usize) -> Arc<Self> {
        let limit = isize::try_from(bytes).unwrap_or(isize::MAX);
        Arc::new(Self { limit, used: AtomicIsize::new(0), requests: AtomicU64::new(0), over: AtomicBool::new(false) })
    }

    /// Counts this thread's allocations from now on; past the budget it stops for good, and [`Budget::exceeded`] says so.
    pub fn cap_this_thread(self: &Arc<Self>) {
        // It is never given back: the thread may allocate until its very end.
        BUDGET.set(Arc::into_raw(Arc::clone(self)));
    }

    /// Whether the thread has stopped for want of memory.
    pub fn exceeded(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }
}

/// Whether allocations of this thread, which has a [`Budget`], are counted: whether [`CappedAllocator`] is the program's.
pub fn is_counted() -> bool {
    let before = requests();
    drop(std::hint::black_box(Box::new(0_u8)));
    requests() > before
}

/// This thread's budget, if it has one.
fn budget() -> Option<&'static Budget> {
    let budget = BUDGET.get();
    // SAFETY: a pointer that is not null comes from `Arc::into_raw` of an `Arc` that is never dropped.
    if budget.is_null() { None } else { Some(unsafe { &*budget }) }
}

fn count(bytes: usize) {
    if let Some(budget) = budget() {
        budget.requests.store(budget.requests.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        // A layout's size is at most `isize::MAX`.
        let used = budget.used.load(Ordering::Relaxed).saturating_add(bytes.cast_signed());
        budget.used.store(used, Ordering::Relaxed);
        if used > budget.limit {
            stop(budget);
        }
    }
}

fn discount(bytes: usize) {
    if let Some(budget) = budget() {
        let used = budget.used.load(Ordering::Relaxed).saturating_sub(bytes.cast_signed());
        budget.used.store(used, Ordering::Relaxed);
    }
}

#[cold]
fn stop(budget: &Budget) -> ! {
    budget.over.store(true, Ordering::SeqCst);
    loop {
        std::thread::sleep(Duration::MAX);
    }
}

// SAFETY: each method passes its arguments to `MiMalloc` unchanged and returns what that returns.
unsafe impl GlobalAlloc for CappedAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        discount(layout.size());
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { MiMalloc.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.saturating_sub(layout.size()));
        discount(layout.size().saturating_sub(size));
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { MiMalloc.realloc(pointer, layout, size) }
    }
}
