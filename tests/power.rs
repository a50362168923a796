//! Switching power, as people see it.

mod support;

use support::{Setup, run, shown};

#[test]
fn a_friend_starts_a_guest_and_sees_it_run() {
    run(Setup::default(), async |world| {
        let max = world.person("max");
        let answer = max.slash("/vm start 101").await;
        let asked = answer.until("starting").await;
        println!("{}", shown(&asked));
        let upid = world.px.wait_task("qmstart", 101).await;
        answer.until("at work").await;
        world.px.finish(&upid, "OK");
        let done = answer.until("started").await;
        println!("{}", shown(&done));
        println!("{:?}", world.audit());
    });
}
