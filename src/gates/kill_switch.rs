//! Reads the kill switch (contract section 5): a variable of the job, of the repository, and of its owner. Any of them that says
//! "on" arms the switch. It is off only if none does and every one that must be asked has answered. After a 403 the job's own
//! variable decides. Every other answer leaves the switch unreadable.

use serde_json::Value;

use crate::error::Error;
use crate::gates::gitea::{Answer, Gitea};
use crate::io::clock::now;
use crate::io::config::plan::PlanConfig;
use crate::io::environment::armed;
use crate::model::document::gates::{Asked, SwitchReading, SwitchSource, SwitchState};
use crate::model::document::text::Text;
use crate::text::switch::{ON, switch, words};

/// How many characters of a value are kept.
const MAX_VALUE: usize = 64;

/// The kill switch of a repository.
#[derive(Debug)]
pub struct KillSwitch {
    variable: String,
    /// The value of the job's own variable, where it arms the switch.
    armed: Option<String>,
}

impl KillSwitch {
    /// The switch that the configuration names, with its value in the job's environment.
    ///
    /// # Errors
    /// [`Error::Usage`] where the name or the value cannot be used.
    pub fn from_environment(plan: &PlanConfig) -> Result<Self, Error> {
        let variable = plan.variable("DISABLED")?;
        Ok(Self { armed: armed(&variable)?, variable })
    }

    /// Whether the job's own variable arms it.
    pub const fn is_armed_by_job(&self) -> bool {
        self.armed.is_some()
    }

    /// Reads it, before the call with this index.
    pub async fn read(&self, gitea: &Gitea, before: u32) -> SwitchReading {
        let mut reading = SwitchReading {
            at: now(),
            before,
            variable: Text::from(&*self.variable),
            state: SwitchState::Unreadable,
            source: SwitchSource::Live,
            owner: None,
            value: None,
            asked: Asked::default(),
        };
        if let Some(word) = &self.armed {
            reading.source = SwitchSource::Job;
            reading.record_value(word);
        } else {
            self.ask(gitea, &mut reading).await;
        }
        reading
    }

    async fn ask(&self, gitea: &Gitea, reading: &mut SwitchReading) {
        let path = format!("/actions/variables/{}", self.variable);
        if !reading.is_unset(gitea.get(&path).await) {
            return;
        }
        let repository = gitea.get("").await;
        if !is_object(&repository) {
            return reading.set_unreadable(
                "HTTP 404 says nothing, because the token cannot read the repository either",
                repository,
            );
        }
        reading.add_requests(repository.asked);
        reading.owner = Some(Text::from(gitea.owner()));
        if !reading.is_unset(gitea.get_of_owner(&path).await) {
            return;
        }
        let organization = gitea.get_of_owner("").await;
        if organization.has_status(404) {
            reading.add_requests(organization.asked);
            if !reading.is_unset_of_user(gitea, &path).await {
                return;
            }
        } else if is_object(&organization) {
            reading.add_requests(organization.asked);
        } else {
            return reading
                .set_unreadable("HTTP 404 says nothing, because the token cannot read the owner either", organization);
        }
        reading.owner = None;
        reading.state = SwitchState::Off;
    }
}

impl SwitchReading {
    /// Whether there is no such variable, by the answer to a request for it. Every other answer completes the reading.
    fn is_unset(&mut self, answer: Answer) -> bool {
        if answer.has_status(404) {
            self.add_requests(answer.asked);
            return true;
        }
        if answer.has_status(403) {
            self.fall_back(answer);
        } else if let Some(value) = answer.json().as_ref().and_then(value) {
            self.add_requests(answer.asked);
            self.record_value(value);
        } else {
            self.add_requests(answer.into_unreadable("a variable"));
        }
        false
    }

    /// Whether an owner that is no organization has no such variable. Only its own token may read its variables, so with another
    /// token there is nothing to ask.
    async fn is_unset_of_user(&mut self, gitea: &Gitea, path: &str) -> bool {
        let user = gitea.get_of_user("").await;
        if user.has_status(403) {
            self.fall_back(user);
            return false;
        }
        match user.json().as_ref().and_then(|user| user["login"].as_str()) {
            Some(login) if login.eq_ignore_ascii_case(gitea.owner()) => {
                self.add_requests(user.asked);
                self.is_unset(gitea.get_of_user(path).await)
            }
            Some(_) => {
                self.add_requests(user.asked);
                true
            }
            None => {
                self.set_unreadable("the owner is no organization, and nobody says whether the token is its own", user);
                false
            }
        }
    }

    /// The token may not read the variable: the job's own value decides, which is not on.
    fn fall_back(&mut self, answer: Answer) {
        self.add_requests(answer.into_unreadable("a variable"));
        (self.state, self.source) = (SwitchState::Off, SwitchSource::Job);
    }

    /// Leaves the state unreadable, because of this answer.
    fn set_unreadable(&mut self, problem: &str, answer: Answer) {
        let asked = answer.into_unreadable("the object that was asked for");
        let why = asked.problem.as_deref().unwrap_or_default();
        let problem = Some(Text::from(format!("{problem}: {why}")));
        self.add_requests(Asked { problem, answer: None, ..asked });
    }

    /// Records the newest request, and adds the counts of requests and answers.
    fn add_requests(&mut self, asked: Asked) {
        let Asked { requests, answers, .. } = self.asked;
        self.asked = Asked { requests: requests + asked.requests, answers: answers + asked.answers, ..asked };
    }

    fn record_value(&mut self, value: &str) {
        let kept: String = value.trim().chars().take(MAX_VALUE).collect();
        self.state = match switch(value) {
            Some(true) => SwitchState::Armed,
            Some(false) => SwitchState::Off,
            None => {
                let problem = format!("it holds {kept:?}, which is no word for on or off ({})", words(&ON));
                self.asked.problem = Some(Text::from(problem));
                SwitchState::Unreadable
            }
        };
        self.value = Some(kept).filter(|value| !value.is_empty()).map(Text::from);
    }
}

fn is_object(answer: &Answer) -> bool {
    answer.json().is_some_and(|json| json.is_object())
}

/// The value of a variable as a Gitea gives it: in `data`, or in `value`; none where the two do not agree.
fn value(variable: &Value) -> Option<&str> {
    match (&variable["data"], &variable["value"]) {
        (Value::String(data), Value::String(value)) => {
            let armed = [data, value].into_iter().find(|word| switch(word) == Some(true));
            armed.or_else(|| (data.trim() == value.trim()).then_some(data)).map(String::as_str)
        }
        (Value::String(text), Value::Null) | (Value::Null, Value::String(text)) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;
    use std::sync::{Arc, Mutex};

    use tokio::runtime::Builder;

    use super::{KillSwitch, SwitchReading, SwitchSource, SwitchState};
    use crate::gates::gitea::Gitea;

    /// The reply of a repository, an owner or a user that is asked for a kill switch.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Reply {
        On,
        Off,
        Word,
        Absent,
        /// 404 for the variable, and for the repository or owner itself.
        Unseen,
        Status(u16),
        Junk,
    }

    const REPLIES: [Reply; 10] = [
        Reply::On,
        Reply::Off,
        Reply::Word,
        Reply::Absent,
        Reply::Unseen,
        Reply::Status(401),
        Reply::Status(403),
        Reply::Status(500),
        Reply::Status(503),
        Reply::Junk,
    ];

    impl Reply {
        /// The answer for the variable: its status and its body.
        fn variable(self) -> (u16, &'static str) {
            match self {
                Self::On => (200, r#"{"data": "yes"}"#),
                Self::Off => (200, r#"{"data": "no"}"#),
                Self::Word => (200, r#"{"data": "maybe"}"#),
                Self::Absent | Self::Unseen => (404, "{}"),
                Self::Status(status) => (status, "{}"),
                Self::Junk => (200, "<html>"),
            }
        }

        /// The answer for the repository or owner itself.
        fn owner(self) -> (u16, &'static str) {
            if self == Self::Unseen { (404, "{}") } else { (200, "{}") }
        }
    }

    /// The expected result for a job whose own variable is not on.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Expected {
        Open,
        /// Open, and the job's own value decided.
        Degraded,
        Armed,
        Unreadable,
    }

    /// The expected result of a reply; `unset` where there is no such variable.
    fn expected(reply: Reply, unset: Expected) -> Expected {
        match reply {
            Reply::On => Expected::Armed,
            Reply::Off => Expected::Open,
            Reply::Absent => unset,
            Reply::Status(403) => Expected::Degraded,
            Reply::Word | Reply::Unseen | Reply::Status(_) | Reply::Junk => Expected::Unreadable,
        }
    }

    /// Every answer of a Gitea to the questions about a kill switch.
    #[derive(Debug, Clone, Copy)]
    struct Answers {
        repository: Reply,
        owner: Reply,
        /// The answer for the owner as an organization.
        organization: (u16, &'static str),
        /// The answer for the user that the token is of, and what that user's variable says.
        user: (u16, &'static str),
        of_user: Reply,
    }

    impl Answers {
        fn to(&self, path: &str) -> (u16, &'static str) {
            match path {
                "/api/v1/repos/shop/platform/actions/variables/STOP" => self.repository.variable(),
                "/api/v1/repos/shop/platform" => self.repository.owner(),
                "/api/v1/orgs/shop/actions/variables/STOP" => self.owner.variable(),
                "/api/v1/orgs/shop" => self.organization,
                "/api/v1/user/actions/variables/STOP" => self.of_user.variable(),
                "/api/v1/user" => self.user,
                _ => panic!("nobody asks for {path}"),
            }
        }
    }

    /// A Gitea on loopback whose answers change from case to case.
    struct Server {
        gitea: Gitea,
        answers: Arc<Mutex<Answers>>,
        runtime: tokio::runtime::Runtime,
    }

    const ALL_UNSET: Answers = Answers {
        repository: Reply::Absent,
        owner: Reply::Absent,
        organization: (200, "{}"),
        user: (404, "{}"),
        of_user: Reply::Absent,
    };

    impl Server {
        fn new() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let url = format!("http://{}", listener.local_addr().expect("an address"));
            let answers = Arc::new(Mutex::new(ALL_UNSET));
            let served = Arc::clone(&answers);
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    let mut stream = stream.expect("a connection");
                    let lines = BufReader::new(&stream).lines().map_while(Result::ok);
                    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                    let path = head[0].split(' ').nth(1).expect("a path");
                    let (status, body) = served.lock().expect("it is not poisoned").to(path);
                    let length = body.len();
                    let answer =
                        format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
                    stream.write_all(answer.as_bytes()).expect("it is read");
                }
            });
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            Self { gitea: Gitea::on_loopback(&url), answers, runtime }
        }

        fn read(&self, answers: Answers, armed: Option<&str>) -> SwitchReading {
            *self.answers.lock().expect("it is not poisoned") = answers;
            let switch = KillSwitch { variable: "STOP".into(), armed: armed.map(str::to_owned) };
            self.runtime.block_on(switch.read(&self.gitea, 0))
        }

        /// Compares the result, for a job whose own variable is not on and for one where it is.
        fn expect(&self, answers: Answers, expected: Expected) {
            let reading = self.read(answers, None);
            let found = match (reading.state, reading.source) {
                (SwitchState::Off, SwitchSource::Live) => Expected::Open,
                (SwitchState::Off, SwitchSource::Job) => Expected::Degraded,
                (SwitchState::Armed, _) => Expected::Armed,
                (SwitchState::Unreadable, _) => Expected::Unreadable,
            };
            assert_eq!(found, expected, "{answers:?}: {reading:?}");
            let is_degraded = reading.source == SwitchSource::Job && reading.asked.status == Some(403);
            assert_eq!(is_degraded, expected == Expected::Degraded, "{answers:?}: {reading:?}");
            let is_said = matches!(expected, Expected::Unreadable | Expected::Degraded);
            assert_eq!(reading.asked.problem.is_some(), is_said, "{answers:?}: {reading:?}");
            let armed = self.read(answers, Some("on"));
            let holds = (armed.state, armed.source, armed.asked.requests);
            assert_eq!(holds, (SwitchState::Armed, SwitchSource::Job, 0), "{answers:?}");
        }
    }

    /// Every combination of replies. The gate is open only if none says on and all that must be asked have answered, or after
    /// a 403, where the job's own value decides.
    #[test]
    fn a_repository_its_organization_and_the_job_are_believed_when_they_say_on() {
        let server = Server::new();
        for repository in REPLIES {
            for owner in REPLIES {
                let answers = Answers { repository, owner, organization: owner.owner(), ..ALL_UNSET };
                server.expect(answers, expected(repository, expected(owner, Expected::Open)));
            }
        }
        for organization in [(401, "{}"), (403, "{}"), (500, "{}"), (200, "<html>"), (200, "[]"), (301, "")] {
            server.expect(Answers { organization, ..ALL_UNSET }, Expected::Unreadable);
        }
    }

    /// Every reply for an owner that is no organization: only the user's own token can ask for the user's variables.
    #[test]
    fn a_user_is_asked_where_the_token_is_the_users() {
        let server = Server::new();
        let of_user = |user, of_user| Answers { organization: (404, "{}"), user, of_user, ..ALL_UNSET };
        for reply in REPLIES {
            // The user answered a moment ago, so a 404 says that there is no variable.
            let expected = if reply == Reply::Unseen { Expected::Open } else { expected(reply, Expected::Open) };
            for login in [r#"{"id": 1, "login": "shop"}"#, r#"{"login": "SHOP"}"#] {
                server.expect(of_user((200, login), reply), expected);
            }
            server.expect(of_user((200, r#"{"login": "gate"}"#), reply), Expected::Open);
            server.expect(of_user((403, "{}"), reply), Expected::Degraded);
            for user in [(401, "{}"), (404, "{}"), (500, "{}"), (200, "<html>"), (200, r#"{"id": 1}"#), (200, "[]")] {
                server.expect(of_user(user, reply), Expected::Unreadable);
            }
        }
    }

    #[test]
    fn the_owner_whose_variable_decided_is_named() {
        let server = Server::new();
        let owner = |answers| server.read(answers, None).owner.as_deref().map(str::to_owned);
        assert_eq!(owner(ALL_UNSET), None);
        assert_eq!(owner(Answers { repository: Reply::On, ..ALL_UNSET }), None);
        for reply in [Reply::On, Reply::Off, Reply::Word, Reply::Status(403), Reply::Status(500)] {
            assert_eq!(owner(Answers { owner: reply, ..ALL_UNSET }).as_deref(), Some("shop"), "{reply:?}");
        }
    }
}
