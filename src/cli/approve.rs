//! `quell approve`: would I do this too, and do I say so with my key?
//!
//! Plans again here what somebody else planned, from their request and seed alone. Only where both come to
//! the same bytes is there something to approve; what is shown is our own plan. Without a plan it lists what
//! approvals are asked for. It signs and hands in; whether that counts is judged where it is dispatched.

use std::io::{self, BufRead, IsTerminal as _, Read as _};

use chrono::TimeDelta;

use super::approve_text::{Asked, Said, list_json, list_text};
use super::args::{ApproveArgs, Format, Global};
use super::exit::Exit;
use super::output::{Answer, Output, Terminal};
use super::{Clock, Outcome, Show, World, load, unwritable};
use crate::control::{ApprovalError, Approvals, OwnKey};
use crate::domain::approval::{ApprovalRequest, is_same_person};
use crate::domain::guard::APPROVAL_LIMIT;
use crate::domain::plan::Plan;
use crate::domain::policy::Policy;
use crate::domain::text::shown;

/// A request is never longer.
const MAX_REQUEST_BYTES: u64 = 64 * 1024;
/// Fewer digits of an action's name are a typing error.
const MIN_PREFIX: usize = 4;

/// Lists what approvals are asked for, or approves one. `replan` makes the plan again, here and now, from
/// the request and its seed.
///
/// # Errors
/// The config does not hold, the plan is not found or differs, or nothing was approved.
pub async fn run(
    args: &ApproveArgs,
    global: &Global,
    world: &World,
    output: &mut Output,
    replan: impl AsyncFn(&ApprovalRequest) -> Result<Plan, String>,
) -> Outcome {
    let settings = load(global, world)
        .map_err(|errors| Answer::usage(errors.to_string()))?
        .settings;
    let show = Show::of(&settings, args.reading.format(), world, output);
    let may_ask = output.terminal() != Terminal::No
        && io::stdin().is_terminal()
        && show.format == Format::Text;
    let mut stdin = io::BufReader::new(io::stdin());
    let desk = Desk {
        approvals: Approvals::new(&settings.actions.approvals),
        policy: settings.actions.policy.as_ref(),
        may_write: if global.read_only {
            MayWrite::No
        } else {
            MayWrite::Yes
        },
        clock: world.clock,
        show,
    };
    desk.run(args, may_ask.then_some(&mut stdin), output, replan)
        .await
}

/// Whether anything may be handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MayWrite {
    Yes,
    No,
}

/// Where approvals are given.
pub(super) struct Desk<'a> {
    pub(super) approvals: Approvals,
    pub(super) policy: Option<&'a Policy>,
    pub(super) may_write: MayWrite,
    pub(super) clock: Clock,
    pub(super) show: Show,
}

impl Desk<'_> {
    pub(super) async fn run(
        &self,
        args: &ApproveArgs,
        person: Option<&mut impl BufRead>,
        output: &mut Output,
        replan: impl AsyncFn(&ApprovalRequest) -> Result<Plan, String>,
    ) -> Outcome {
        let Some(named) = &args.plan else {
            return self.list().await;
        };
        let request = self.find(named).await?;
        let own = self
            .approvals
            .own_key()
            .await
            .map_err(|error| failed(&error))?;
        self.check_request(&request, &own)?;
        let plan = replan(&request).await.map_err(|why| Answer {
            complaint: Some(format!(
                "quell: it could not be planned here: {}",
                shown(&why)
            )),
            ..Answer::with(String::new(), Exit::Nothing)
        })?;
        let digest = plan.digest();
        let asked = Asked {
            request: &request,
            plan: &plan,
            digest: &digest,
            now: (self.clock)(),
        };
        if digest != request.plan {
            let why = "what you would approve is not what they planned: something changed since, or your \
                quell names things otherwise; they plan again";
            return Err(self.refused(&asked, &Said::Differs, why)?);
        }
        if self.may_write == MayWrite::No {
            let why = "nothing is approved with --read-only";
            return Err(self.refused(&asked, &Said::Waits, why)?);
        }
        self.confirm(&asked, args, person, output)?;
        self.approve(&asked, args, output).await
    }

    async fn list(&self) -> Outcome {
        let found = self
            .approvals
            .requests()
            .await
            .map_err(|error| failed(&error))?;
        let now = (self.clock)();
        let document = match self.show.format {
            Format::Json => list_json(&found, now).map_err(|error| unwritable(&error))?,
            Format::Text => list_text(&found, now, &self.show.page),
        };
        let exit = if found.problems.is_empty() {
            Exit::Whole
        } else {
            Exit::Partial
        };
        Ok(Answer::with(document, exit))
    }

    /// By its name or the beginning of it, by a file, or from standard input.
    async fn find(&self, named: &str) -> Result<ApprovalRequest, Answer> {
        let is_hex = named
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hex || named.len() > 32 {
            return from_file(named);
        }
        if named.len() < MIN_PREFIX {
            let why =
                format!("quell: `{named}` is too short: give {MIN_PREFIX} digits of the plan");
            return Err(Answer::usage(why));
        }
        let found = self
            .approvals
            .requests()
            .await
            .map_err(|error| failed(&error))?;
        let mut fitting = found.requests.into_iter();
        let is_meant = |one: &ApprovalRequest| one.seed.id.as_str().starts_with(named);
        let (first, second) = (fitting.find(is_meant), fitting.find(is_meant));
        match (first, second) {
            (Some(request), None) => Ok(request),
            (Some(_), Some(_)) => {
                let why = format!("quell: several plans begin with `{named}`: give more digits");
                Err(Answer::usage(why))
            }
            (None, _) => Err(Answer::usage(format!(
                "quell: nobody asks for approval of `{named}`: quell approve lists who does"
            ))),
        }
    }

    /// What can be said before anything is planned.
    fn check_request(&self, request: &ApprovalRequest, own: &OwnKey) -> Result<(), Answer> {
        let by = &request.request.by.name;
        let is_own_key = request.requester_key.as_ref() == Some(&own.fingerprint);
        let name = shown(&own.principal);
        if is_own_key || is_same_person(by.raw(), &own.principal) {
            return Err(refusal(&format!(
                "{name} asked for it: somebody else has to approve"
            )));
        }
        if request.expires_at <= (self.clock)() {
            let at = request.expires_at.format("%Y-%m-%d %H:%M:%SZ");
            return Err(refusal(&format!(
                "it was asked for until {at}: they ask again"
            )));
        }
        if let (Some(policy), Some(role)) = (self.policy, &request.role)
            && !policy.roles_of(&own.principal).contains(role)
        {
            let role = shown(role);
            return Err(refusal(&format!(
                "{name} does not have the role `{role}` that it takes"
            )));
        }
        Ok(())
    }

    /// A person types the code of the plan that they have seen, or a script gives it.
    fn confirm(
        &self,
        asked: &Asked<'_>,
        args: &ApproveArgs,
        person: Option<&mut impl BufRead>,
        output: &mut Output,
    ) -> Result<(), Answer> {
        let code = asked.digest.code();
        if let Some(given) = &args.code
            && given != code
        {
            let why = "the code is not that of this plan: nothing was approved";
            return Err(self.refused(asked, &Said::Waits, why)?);
        }
        match (args.yes && args.code.is_some(), person) {
            (true, _) => Ok(()),
            (false, None) => {
                let id = asked.plan.seed.id.short();
                let why = format!(
                    "nothing was approved; to approve it: quell approve {id} --yes --code {code}"
                );
                Err(self.refused(asked, &Said::Waits, &why)?)
            }
            (false, Some(person)) => {
                let text = asked.text(&self.show.page);
                let paper = output.paper();
                let typed = write!(paper, "{text}\nType the plan's code to approve it: ")
                    .and_then(|()| paper.flush())
                    .and_then(|()| {
                        let mut line = String::new();
                        person.take(1024).read_line(&mut line).map(|_| line)
                    });
                match typed {
                    Ok(line) if line.trim() == code => Ok(()),
                    Ok(_) => Err(refusal("that is not its code: nothing was approved")),
                    Err(error) => Err(refusal(&format!("nothing was approved: {error}"))),
                }
            }
        }
    }

    async fn approve(&self, asked: &Asked<'_>, args: &ApproveArgs, output: &mut Output) -> Outcome {
        if output.terminal() != Terminal::No && self.show.format == Format::Text {
            // Nobody hears of it elsewhere: a key that wants to be touched only blinks.
            let told = writeln!(output.paper(), "signing; touch your key if it blinks");
            told.map_err(|error| refusal(&format!("nothing was approved: {error}")))?;
        }
        let limit = TimeDelta::from_std(APPROVAL_LIMIT).unwrap_or_default();
        let until = asked.request.expires_at.min((self.clock)() + limit);
        let role = asked.request.role.as_deref().unwrap_or_default();
        let signed = self.approvals.sign(asked.plan, role, until).await;
        let signed = signed.map_err(|error| failed(&error))?;
        let said = if args.print {
            Said::ToPaste(signed.text())
        } else {
            let handed_in = self.approvals.submit(&signed).await;
            Said::HandedIn(handed_in.map_err(|error| failed(&error))?)
        };
        let document = match (self.show.format, &said) {
            (Format::Json, _) => asked.json(&said).map_err(|error| unwritable(&error))?,
            (Format::Text, Said::HandedIn(approval)) => format!(
                "approved {} as {} ({}) until {}\n",
                asked.plan.seed.id.short(),
                approval.signer,
                approval.key,
                approval.statement.expires_at.format("%H:%M:%SZ")
            ),
            (Format::Text, _) => signed.text(),
        };
        Ok(Answer::whole(document))
    }

    /// All of the plan, and why it was not approved.
    fn refused(&self, asked: &Asked<'_>, said: &Said, why: &str) -> Result<Answer, Answer> {
        let document = match self.show.format {
            Format::Json => asked.json(said).map_err(|error| unwritable(&error))?,
            Format::Text => asked.text(&self.show.page),
        };
        Ok(Answer {
            document,
            ..refusal(why)
        })
    }
}

fn from_file(named: &str) -> Result<ApprovalRequest, Answer> {
    let place = if named == "-" {
        "standard input".to_owned()
    } else {
        shown(named)
    };
    let unread = |why: &str| Answer::usage(format!("quell: {place}: {why}"));
    let mut bytes = Vec::new();
    let read = if named == "-" {
        io::stdin()
            .take(MAX_REQUEST_BYTES + 1)
            .read_to_end(&mut bytes)
    } else {
        let file = std::fs::File::open(named);
        file.and_then(|file| file.take(MAX_REQUEST_BYTES + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| unread(&error.kind().to_string()))?;
    if bytes.len() as u64 > MAX_REQUEST_BYTES {
        return Err(unread("it is too long for a request"));
    }
    ApprovalRequest::parse(&bytes).map_err(|why| unread(&format!("it is no request: {why}")))
}

fn refusal(why: &str) -> Answer {
    Answer {
        complaint: Some(format!("quell: {why}")),
        ..Answer::with(String::new(), Exit::Refused)
    }
}

fn failed(error: &ApprovalError) -> Answer {
    let exit = match error {
        ApprovalError::NotConfigured(_) => Exit::Usage,
        ApprovalError::Unavailable(_) => Exit::Nothing,
        ApprovalError::Refused(_) => Exit::Refused,
    };
    Answer {
        complaint: Some(format!("quell: {error}")),
        ..Answer::with(String::new(), exit)
    }
}
