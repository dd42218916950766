------------------------------ MODULE PeerPool ------------------------------
(***************************************************************************)
(* A process pool as peers of the standard library have it (pebble among   *)
(* them), in our own words.  The processes take calls from one pipe and    *)
(* write answers to another, each under the one lock that they share with  *)
(* the parent: its manager, a thread, stops a process whose call was       *)
(* cancelled, and replaces who died.  Defect is the old design that is in  *)
(* it, by the museum's number; with "none" each of them is repaired in the *)
(* smallest way.                                                           *)
(***************************************************************************)
EXTENDS Naturals, Sequences

CONSTANTS
  Defect,     \* the museum's number of the old design, or "none"
  Calls,      \* how many calls are submitted
  Processes,  \* how many processes there are
  PipeSize,   \* how many answers the pipe holds
  Deaths,     \* how many processes may die
  MayCancel,  \* may callers cancel, a call that runs too?
  MayBreak    \* may the manager meet what it cannot mend?

ASSUME
  /\ Defect \in {"none", "P3", "P4", "P5", "P6"}
  /\ {Calls, Processes, PipeSize} \subseteq Nat \ {0}
  /\ Deaths \in Nat
  /\ {MayCancel, MayBreak} \subseteq BOOLEAN

VARIABLES
  calls,      \* of submit(): "out", "accepted", "raised"
  futures,    \* the state of each call's future
  tasks,      \* the calls that no process has taken, oldest first
  holder,     \* which process holds the lock, or Nobody
  processes,  \* "idle", "reading" (with the lock), "running", "answering" (with it), "dead"
  runs,       \* the call that a process has, else 0
  answers,    \* what is in the pipe to the manager
  manager,    \* "reading", "setting" a result, "stopping" a process, "ended", "killed"
  at,         \* the call whose result the manager sets, or whose process it stops
  deaths      \* how many processes have died

vars == <<calls, futures, tasks, holder, processes, runs, answers, manager, at, deaths>>

Call == 1..Calls
Process == 1..Processes
Nobody == 0
Done == {"CANCELLED", "FINISHED"}

TypeOK ==
  LET Queue(n) == UNION {[1..k -> Call] : k \in 0..n}
  IN  /\ calls \in [Call -> {"out", "accepted", "raised"}]
      /\ futures \in [Call -> {"PENDING", "RUNNING"} \union Done]
      /\ tasks \in Queue(Calls) /\ answers \in Queue(PipeSize)
      /\ holder \in Nobody..Processes
      /\ processes \in [Process -> {"idle", "reading", "running", "answering", "dead"}]
      /\ runs \in [Process -> {0} \union Call]
      /\ manager \in {"reading", "setting", "stopping", "ended", "killed"}
      /\ at \in {0} \union Call
      /\ deaths \in 0..Deaths

Init ==
  /\ calls = [c \in Call |-> "out"]
  /\ futures = [c \in Call |-> "PENDING"]
  /\ tasks = <<>> /\ answers = <<>>
  /\ holder = Nobody
  /\ processes = [p \in Process |-> "idle"]
  /\ runs = [p \in Process |-> 0]
  /\ manager = "reading" /\ at = 0
  /\ deaths = 0

Free == holder = Nobody
Ended(some) == [c \in Call |-> IF c \in some /\ futures[c] \notin Done THEN "FINISHED" ELSE futures[c]]
Range(seq) == {seq[i] : i \in DOMAIN seq}

-----------------------------------------------------------------------------

Submit(c) ==  \* any thread; it raises when the pool has broken
  LET open == manager # "ended"
  IN  /\ calls[c] = "out" /\ \A b \in 1..(c - 1) : calls[b] # "out"
      /\ calls' = [calls EXCEPT ![c] = IF open THEN "accepted" ELSE "raised"]
      /\ tasks' = IF open THEN Append(tasks, c) ELSE tasks
      /\ UNCHANGED <<futures, holder, processes, runs, answers, manager, at, deaths>>

Cancel(c) ==  \* any thread that has the future
  /\ MayCancel /\ calls[c] = "accepted" /\ futures[c] \notin Done
  /\ futures' = [futures EXCEPT ![c] = "CANCELLED"]
  /\ UNCHANGED <<calls, tasks, holder, processes, runs, answers, manager, at, deaths>>

-----------------------------------------------------------------------------

Goes(p, from, to) == processes[p] = from /\ processes' = [processes EXCEPT ![p] = to]

Lock(p) ==  \* a process that sees that there is a call
  /\ tasks # <<>> /\ Free
  /\ Goes(p, "idle", "reading")
  /\ holder' = p
  /\ UNCHANGED <<calls, futures, tasks, runs, answers, manager, at, deaths>>

Take(p) ==  \* a process, and it says so
  /\ Goes(p, "reading", "running")
  /\ tasks # <<>> /\ tasks' = Tail(tasks)
  /\ runs' = [runs EXCEPT ![p] = Head(tasks)]
  /\ futures' = [futures EXCEPT ![Head(tasks)] = IF @ = "PENDING" THEN "RUNNING" ELSE @]
  /\ holder' = Nobody
  /\ UNCHANGED <<calls, answers, manager, at, deaths>>

Finish(p) ==  \* a process
  /\ Free
  /\ Goes(p, "running", "answering")
  /\ holder' = p
  /\ UNCHANGED <<calls, futures, tasks, runs, answers, manager, at, deaths>>

Answer(p) ==  \* a process, when there is room
  /\ Goes(p, "answering", "idle")
  /\ Len(answers) < PipeSize /\ answers' = Append(answers, runs[p])
  /\ runs' = [runs EXCEPT ![p] = 0]
  /\ holder' = Nobody
  /\ UNCHANGED <<calls, futures, tasks, manager, at, deaths>>

Die(p) ==  \* a process, at any point
  /\ deaths < Deaths /\ processes[p] # "dead"
  /\ processes' = [processes EXCEPT ![p] = "dead"]
  /\ deaths' = deaths + 1
  /\ UNCHANGED <<calls, futures, tasks, holder, runs, answers, manager, at>>

-----------------------------------------------------------------------------

Reads == manager = "reading"

(* Another process is in its place.  P4: if the dead held the lock, nobody lets go of it. *)
Replaced(p) ==
  /\ processes' = [processes EXCEPT ![p] = "idle"]
  /\ runs' = [runs EXCEPT ![p] = 0]
  /\ holder' = IF holder = p /\ Defect # "P4" THEN Nobody ELSE holder

SeeDeath(p) ==  \* the manager: the call that the process had fails
  /\ Reads /\ processes[p] = "dead"
  /\ Replaced(p)
  /\ futures' = Ended({runs[p]})
  /\ UNCHANGED <<calls, tasks, answers, manager, at, deaths>>

(* Whose call was cancelled is stopped, but not while he has the lock: if somebody *)
(* has it the manager comes back later.  P3: it waits for the lock.                *)
IsToStop(p) == processes[p] \in {"running", "answering"} /\ futures[runs[p]] = "CANCELLED"

Stop(p) ==  \* the manager
  /\ Reads /\ IsToStop(p) /\ Free /\ Defect # "P3"
  /\ Replaced(p)
  /\ UNCHANGED <<calls, futures, tasks, answers, manager, at, deaths>>

WantToStop(p) ==  \* the manager
  /\ Reads /\ IsToStop(p) /\ Defect = "P3"
  /\ manager' = "stopping" /\ at' = runs[p]
  /\ UNCHANGED <<calls, futures, tasks, holder, processes, runs, answers, deaths>>

StopAtLast ==  \* the manager has the lock
  /\ manager = "stopping" /\ Free
  /\ manager' = "reading" /\ at' = 0
  /\ IF \E p \in Process : runs[p] = at
     THEN \E p \in Process : runs[p] = at /\ Replaced(p)
     ELSE UNCHANGED <<processes, runs, holder>>
  /\ UNCHANGED <<calls, futures, tasks, answers, deaths>>

TakeAnswer ==  \* the manager; it looks whether the call was cancelled
  LET c == Head(answers)
  IN  /\ Reads /\ answers # <<>>
      /\ answers' = Tail(answers)
      /\ manager' = IF futures[c] \in Done THEN "reading" ELSE "setting"
      /\ at' = IF futures[c] \in Done THEN 0 ELSE c
      /\ UNCHANGED <<calls, futures, tasks, holder, processes, runs, deaths>>

SetResult ==  \* the manager; P6: it ends of a future that was cancelled meanwhile
  /\ manager = "setting"
  /\ manager' = IF futures[at] \in Done /\ Defect = "P6" THEN "killed" ELSE "reading"
  /\ futures' = Ended({at})
  /\ at' = 0
  /\ UNCHANGED <<calls, tasks, holder, processes, runs, answers, deaths>>

Break ==  \* the manager fails all calls; P5: those that a process has, or has answered
  /\ MayBreak /\ Reads
  /\ manager' = "ended"
  /\ futures' = Ended({c \in Call : calls[c] = "accepted"}
                      \ (IF Defect = "P5" THEN Range(tasks) ELSE {}))
  /\ tasks' = <<>> /\ answers' = <<>>
  /\ processes' = [p \in Process |-> "dead"]
  /\ runs' = [p \in Process |-> 0]
  /\ holder' = Nobody
  /\ UNCHANGED <<calls, at, deaths>>

-----------------------------------------------------------------------------

OfProcess(p) == Lock(p) \/ Take(p) \/ Finish(p) \/ Answer(p)
OfManager ==
  \/ TakeAnswer \/ SetResult \/ StopAtLast
  \/ \E p \in Process : SeeDeath(p) \/ Stop(p) \/ WantToStop(p)

Next ==
  \/ \E c \in Call : Submit(c) \/ Cancel(c)
  \/ \E p \in Process : OfProcess(p) \/ Die(p)
  \/ OfManager \/ Break

(* Whoever can go on does.  Nobody is obliged to submit, to cancel, to die, or to break. *)
Fairness == WF_vars(OfManager) /\ \A p \in Process : WF_vars(OfProcess(p))

Spec == Init /\ [][Next]_vars /\ Fairness

-----------------------------------------------------------------------------

(* Who holds the lock is in the middle of something that needs it, or has died there. *)
LockIsHeldByOne ==
  \A p \in Process :
    /\ processes[p] \in {"reading", "answering"} => holder = p
    /\ holder = p => processes[p] \in {"reading", "answering", "dead"}

(* Nothing that a user does ends the manager before its work. *)
ServiceThreadsSurvive == manager # "killed"

(* A call that has not ended is somewhere. *)
NothingLost ==
  \A c \in Call : (calls[c] = "accepted" /\ futures[c] \notin Done) =>
    c \in Range(tasks) \union Range(answers) \union {runs[p] : p \in Process} \union {at}

(* A future that has ended stays as it is. *)
FuturesEndOnce ==
  [][\A c \in Call : (futures[c] \in Done) => (futures'[c] = futures[c])]_vars

-----------------------------------------------------------------------------

(* Every call that was accepted ends. *)
EveryAcceptedCallEnds == \A c \in Call : (calls[c] = "accepted") ~> (futures[c] \in Done)
=============================================================================
