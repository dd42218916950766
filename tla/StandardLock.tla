---------------------------- MODULE StandardLock ----------------------------
(***************************************************************************)
(* The one lock of the standard library's process pool and those who want  *)
(* it: callers of submit and shutdown, the manager, the feeder of the call *)
(* queue; and the wake-up channel, which holds a few words and is written  *)
(* with the lock held.  Calls are left out.  Defect is the old design that *)
(* is in it, by the museum's number; with "none" each of them is repaired  *)
(* in the smallest way.                                                    *)
(***************************************************************************)
EXTENDS Naturals

CONSTANTS
  Defect,       \* the museum's number of the old design, or "none"
  Submitters,   \* how many callers of submit there are
  ChannelSize,  \* how many words the wake-up channel holds
  MayFail,      \* may a call fail to pickle?
  MayDie        \* may a process die?

ASSUME
  /\ Defect \in {"none", "M3", "M12", "H2", "H3", "H7", "H16"}
  /\ {Submitters, ChannelSize} \subseteq Nat \ {0}
  /\ {MayFail, MayDie} \subseteq BOOLEAN

VARIABLES
  holder,      \* who holds the lock, or Nobody
  channel,     \* how many words are in the wake-up channel
  open,        \* is the wake-up channel open?
  ending,      \* is the executor shut down or broken?
  submitters,  \* of submit(): "out", "wanting" the lock, "holding" it, "back"
  closer,      \* of shutdown(): "out", "wanting", "holding", "joining", "back"
  manager,     \* where the manager is in its loop
  called,      \* has it run the callback that submits?
  feeder,      \* "idle", "failed" to pickle a call, "telling" the manager, "told", "ended"
  processes,   \* "well", one is "dead", all are "ended"
  stubborn     \* does a process ignore SIGTERM?

vars == <<holder, channel, open, ending, submitters, closer, manager, called, feeder,
          processes, stubborn>>

Submitter == 1..Submitters
Nobody == 0
Manager == Submitters + 1
Feeder == Submitters + 2
Closer == Submitters + 3

TypeOK ==
  /\ holder \in Nobody..Closer
  /\ channel \in 0..ChannelSize
  /\ submitters \in [Submitter -> {"out", "wanting", "holding", "back"}]
  /\ closer \in {"out", "wanting", "holding", "joining", "back"}
  /\ manager \in {"sleeping", "reading", "looking", "calling", "submitting", "breaking",
                  "terminating", "closing", "joining", "ended", "killed"}
  /\ feeder \in {"idle", "failed", "telling", "told", "ended"}
  /\ processes \in {"well", "dead", "ended"}
  /\ {open, ending, called, stubborn} \subseteq BOOLEAN

-----------------------------------------------------------------------------

Free == holder = Nobody

(* A word for the manager: where the channel is full there is one already.  M3, *)
(* H3: whoever writes waits for room, with the lock held.                      *)
Write ==
  IF ~open THEN UNCHANGED channel
  ELSE /\ channel < ChannelSize \/ Defect \notin {"M3", "H3"}
       /\ channel' = IF channel < ChannelSize THEN channel + 1 ELSE channel

Init ==
  /\ holder = Nobody
  /\ channel = 0 /\ open = TRUE /\ ending = FALSE
  /\ submitters = [s \in Submitter |-> "out"]
  /\ closer = "out"
  /\ manager = "sleeping" /\ called = FALSE
  /\ feeder = "idle"
  /\ processes = "well"
  /\ stubborn \in BOOLEAN

-----------------------------------------------------------------------------

Submit(s) ==  \* any thread
  /\ submitters[s] = "out"
  /\ submitters' = [submitters EXCEPT ![s] = "wanting"]
  /\ UNCHANGED <<holder, channel, open, ending, closer, manager, called, feeder, processes,
                 stubborn>>

SubmitLocks(s) ==  \* a caller of submit; it raises if the executor ends
  /\ submitters[s] = "wanting" /\ Free
  /\ holder' = IF ending THEN Nobody ELSE s
  /\ submitters' = [submitters EXCEPT ![s] = IF ending THEN "back" ELSE "holding"]
  /\ UNCHANGED <<channel, open, ending, closer, manager, called, feeder, processes, stubborn>>

SubmitWakes(s) ==  \* a caller of submit, and it lets go of the lock
  /\ submitters[s] = "holding"
  /\ Write
  /\ holder' = Nobody
  /\ submitters' = [submitters EXCEPT ![s] = "back"]
  /\ UNCHANGED <<open, ending, closer, manager, called, feeder, processes, stubborn>>

Shutdown ==  \* any thread
  /\ closer = "out"
  /\ closer' = "wanting"
  /\ UNCHANGED <<holder, channel, open, ending, submitters, manager, called, feeder, processes,
                 stubborn>>

ShutdownLocks ==  \* the caller of shutdown; if the channel is open, it is to write there
  /\ closer = "wanting" /\ Free
  /\ holder' = IF open /\ Defect # "H7" THEN Closer ELSE Nobody  \* H7: no lock is for that
  /\ ending' = TRUE
  /\ closer' = IF open THEN "holding" ELSE "joining"
  /\ UNCHANGED <<channel, open, submitters, manager, called, feeder, processes, stubborn>>

ShutdownWakes ==  \* the caller of shutdown; H16: since it does not wait, it closes the channel
  /\ closer = "holding"
  /\ Write
  /\ open' = (open /\ Defect # "H16")
  /\ holder' = IF holder = Closer THEN Nobody ELSE holder
  /\ closer' = "joining"
  /\ UNCHANGED <<ending, submitters, manager, called, feeder, processes, stubborn>>

ShutdownReturns ==  \* the caller of shutdown
  /\ closer = "joining" /\ manager \in {"ended", "killed"}
  /\ closer' = "back"
  /\ UNCHANGED <<holder, channel, open, ending, submitters, manager, called, feeder, processes,
                 stubborn>>

-----------------------------------------------------------------------------

Goes(from, to) == manager = from /\ manager' = to

Rest == UNCHANGED <<submitters, closer, feeder, stubborn>>

Wake ==  \* the manager sees that there is something to read, and that the channel is open
  /\ channel > 0
  /\ Goes("sleeping", IF open THEN "reading" ELSE "looking")
  /\ Rest /\ UNCHANGED <<holder, channel, open, ending, called, processes>>

Clear ==  \* the manager reads all that is in the channel; H3: with the lock, for a moment
  /\ Free \/ Defect # "H3"
  /\ Goes("reading", IF open THEN "looking" ELSE "killed")
  /\ channel' = 0
  /\ Rest /\ UNCHANGED <<holder, open, ending, called, processes>>

Look ==  \* the manager
  /\ Goes("looking", IF ending THEN "closing" ELSE "sleeping")
  /\ Rest /\ UNCHANGED <<holder, channel, open, ending, called, processes>>

Call ==  \* the manager has an answer; its future has a callback that submits, but in H3
  /\ ~called /\ Defect # "H3"
  /\ Goes("sleeping", "calling")
  /\ called' = TRUE
  /\ Rest /\ UNCHANGED <<holder, channel, open, ending, processes>>

CallbackLocks ==  \* the manager
  /\ Free
  /\ Goes("calling", IF ending THEN "looking" ELSE "submitting")
  /\ holder' = IF ending THEN Nobody ELSE Manager
  /\ Rest /\ UNCHANGED <<channel, open, ending, called, processes>>

CallbackWakes ==  \* the manager, and it lets go of the lock
  /\ Goes("submitting", "looking")
  /\ Write
  /\ holder' = Nobody
  /\ Rest /\ UNCHANGED <<open, ending, called, processes>>

SeeDeath ==  \* the manager, when there is nothing else
  /\ processes = "dead" /\ channel = 0
  /\ Goes("sleeping", "breaking")
  /\ Rest /\ UNCHANGED <<holder, channel, open, ending, called, processes>>

Break ==  \* the manager fails all calls with the lock held, and tells the processes to end
  /\ Free
  /\ Goes("breaking", "terminating")
  /\ ending' = TRUE
  /\ holder' = Manager
  /\ Rest /\ UNCHANGED <<channel, open, called, processes>>

Broke ==  \* the manager has joined the processes; M12: with a signal that they may ignore
  /\ Goes("terminating", "joining")
  /\ ~stubborn \/ Defect # "M12"
  /\ processes' = "ended"
  /\ holder' = Nobody
  /\ Rest /\ UNCHANGED <<channel, open, ending, called>>

Close ==  \* the manager tells the feeder to end; H2: with the lock held until it has
  /\ Free
  /\ Goes("closing", "joining")
  /\ holder' = IF Defect = "H2" THEN Manager ELSE Nobody
  /\ Rest /\ UNCHANGED <<channel, open, ending, called, processes>>

End ==  \* the manager closes the channel, and nobody is in the middle of writing to it
  /\ Free \/ holder = Manager
  /\ feeder = "ended"
  /\ Goes("joining", "ended")
  /\ holder' = Nobody
  /\ open' = FALSE /\ channel' = 0
  /\ processes' = "ended"
  /\ Rest /\ UNCHANGED <<ending, called>>

-----------------------------------------------------------------------------

FeederGoes(from, to) ==
  /\ feeder = from /\ feeder' = to
  /\ UNCHANGED <<open, ending, submitters, closer, manager, called, processes, stubborn>>

PicklingFails ==  \* the feeder; once is enough
  MayFail /\ FeederGoes("idle", "failed") /\ UNCHANGED <<holder, channel>>

FeederLocks ==  \* the feeder, to tell the manager
  FeederGoes("failed", "telling") /\ Free /\ holder' = Feeder /\ UNCHANGED channel

FeederWakes ==  \* the feeder, and it lets go of the lock
  FeederGoes("telling", "told") /\ Write /\ holder' = Nobody

FeederEnds ==  \* the feeder, when the manager told it to
  /\ manager = "joining" /\ feeder \in {"idle", "told"}
  /\ feeder' = "ended"
  /\ UNCHANGED <<holder, channel, open, ending, submitters, closer, manager, called, processes,
                 stubborn>>

Die ==  \* a process, at any point
  /\ MayDie /\ processes = "well"
  /\ processes' = "dead"
  /\ UNCHANGED <<holder, channel, open, ending, submitters, closer, manager, called, feeder,
                 stubborn>>

-----------------------------------------------------------------------------

OfSubmitter(s) == SubmitLocks(s) \/ SubmitWakes(s)
OfCloser == ShutdownLocks \/ ShutdownWakes \/ ShutdownReturns
OfManager ==
  \/ Wake \/ Clear \/ Look \/ CallbackLocks \/ CallbackWakes
  \/ SeeDeath \/ Break \/ Broke \/ Close \/ End
OfFeeder == FeederLocks \/ FeederWakes \/ FeederEnds

Next ==
  \/ \E s \in Submitter : Submit(s) \/ OfSubmitter(s)
  \/ Shutdown \/ OfCloser
  \/ Call \/ OfManager
  \/ PicklingFails \/ OfFeeder
  \/ Die

(* Whoever can go on does.  Nobody is obliged to submit, to shut down, to have *)
(* a callback, to fail, or to die.                                             *)
Fairness ==
  /\ \A s \in Submitter : WF_vars(OfSubmitter(s))
  /\ WF_vars(OfCloser) /\ WF_vars(OfManager) /\ WF_vars(OfFeeder)

Spec == Init /\ [][Next]_vars /\ Fairness

-----------------------------------------------------------------------------

(* Nothing that a user does ends the manager before its work. *)
ServiceThreadsSurvive == manager # "killed"

(* Nobody who found the channel open writes to it when it is closed. *)
NobodyWritesInVain ==
  ~open => closer # "holding" /\ \A s \in Submitter : submitters[s] # "holding"

(* Who holds the lock is in the middle of something that needs it. *)
LockIsHeldByOne ==
  /\ \A s \in Submitter : submitters[s] = "holding" <=> holder = s
  /\ closer = "holding" <=> holder = Closer
  /\ feeder = "telling" <=> holder = Feeder

-----------------------------------------------------------------------------

(* Every submit that was begun returns or raises. *)
EverySubmitReturns == \A s \in Submitter : (submitters[s] = "wanting") ~> (submitters[s] = "back")

(* Every shutdown that was begun returns. *)
EveryShutdownReturns == (closer = "wanting") ~> (closer = "back")

(* A pool whose process died ends. *)
EveryDeathIsSeen == (processes = "dead") ~> (manager \in {"ended", "killed"})
=============================================================================
