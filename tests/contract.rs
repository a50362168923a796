//! The contract checks themselves.

mod support;

use support::{Setup, run};

#[test]
fn a_first_look() {
    run(Setup::default(), async |world| {
        let answer = world.person("max").slash("/vm start 101").await;
        let upid = world.px.wait_task("qmstart", 101).await;
        world.px.finish(&upid, "OK");
        answer.until("started").await;
        for _ in 0..4 {
            let t = std::time::Instant::now();
            let r = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| support::contract::check(&world.px, &world.dc)));
            println!("{:?} {}", t.elapsed(), r.is_ok());
        }
    });
}
