//! Asking a registry that may be silent: what it does not say is asked again, after a pause.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// How long after no answer something is asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// Asks for all that is wanted until nobody wants to know any more, or `ask` breaks it off. `ask` says whether there was an answer.
pub fn until_answered<T: Copy>(wanted: &Receiver<T>, mut ask: impl FnMut(T) -> ControlFlow<(), bool>) {
    let mut open: Vec<T> = Vec::new();
    loop {
        match if open.is_empty() {
            wanted.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            wanted.recv_timeout(PAUSE)
        } {
            Ok(one) => open.push(one),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        open.extend(wanted.try_iter());
        let mut unanswered = Vec::new();
        for one in open {
            match ask(one) {
                ControlFlow::Break(()) => return,
                ControlFlow::Continue(true) => {}
                ControlFlow::Continue(false) => unanswered.push(one),
            }
        }
        open = unanswered;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn what_is_not_answered_is_asked_again_and_nothing_else_is() {
        let (want, wanted) = channel();
        for one in [1, 2, 3] {
            want.send(one).unwrap();
        }
        let mut asked = Vec::new();
        until_answered(&wanted, |one| {
            asked.push(one);
            if asked.len() == 6 {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(one == 1 || one == 3 && asked.len() > 3)
        });
        assert_eq!(asked, [1, 2, 3, 2, 3, 2]);
    }

    #[test]
    fn it_ends_with_those_who_want_to_know() {
        let (want, wanted) = channel();
        want.send(1).unwrap();
        drop(want);
        let mut asked = 0;
        until_answered(&wanted, |_| {
            asked += 1;
            ControlFlow::Continue(false)
        });
        assert_eq!(asked, 1);
    }
}
