-------------------------- MODULE ProcessPoolState --------------------------
(***************************************************************************)
(* The rooms of the process pool, and what can be read from them.  What    *)
(* the parent knows of a call stands in futures, workIds, callQueue and    *)
(* calls.  What only the processes know stands in processes, runs,         *)
(* resultQueue and begun: the parent learns of it by an answer, by a       *)
(* failed try for a ticket, or by a death.  Mirrors                        *)
(* spec/process_pool_state.py.                                             *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
  Calls,               \* how many calls are submitted
  Processes,           \* how many processes there may be at a time
  CallQueueSize,       \* for how many calls the Call Q has room
  Closers,             \* what each caller of shutdown asks, or the interpreter at its exit
  Deaths,              \* how many processes may die
  Policy,              \* what a death does: "break" or "replace"
  Overtake,            \* by how many later calls a call may be overtaken
  MaxTasks,            \* after how many calls a process retires, or 0
  EarlyLimit,          \* so many early deaths in a row break the pool
  Eager,               \* are all processes started with the first call?
  InitializerMayFail,  \* may the initializer raise?
  StartMayFail,        \* may the system refuse a process?
  MayBeUnpicklable,    \* may a call not pickle?
  MayBeCollected       \* may the executor object be garbage-collected?

ASSUME
  /\ {Calls, Deaths, MaxTasks} \subseteq Nat
  /\ {Processes, Overtake, EarlyLimit} \subseteq Nat \ {0}
  /\ CallQueueSize \in Nat /\ CallQueueSize >= Processes
  /\ \A c \in DOMAIN Closers : Closers[c] \in {"exit", "shutdown", "shutdown_cancel_futures"}
  /\ Policy \in {"break", "replace"}
  /\ {Eager, InitializerMayFail, StartMayFail, MayBeUnpicklable, MayBeCollected} \subseteq BOOLEAN

VARIABLES
  phase,        \* how far the end of the executor has come
  workIds,      \* accepted, and not in the Call Q: oldest first
  callQueue,    \* offered, and not claimed: a bag, kept in order
  processes,    \* those of Living, Dead and Absent, or "ended"
  runs,         \* the work id that a process has claimed and not answered, else 0
  used,         \* how many calls it has claimed, where that is limited
  resultQueue,  \* each process's answers, oldest first
  futures,      \* the state of each work item's future
  calls,        \* of submit(): "out", "accepted", "raised"
  begun,        \* how often a process has begun each call
  closers,      \* callers of shutdown(): "out", "discarding", "joining", "back"
  collected,    \* has the executor object been garbage-collected?
  awake,        \* is the local worker awake, or about to be woken?
  watched,      \* whose answers and whose end would wake it
  early,        \* deaths in a row, each before the process was ready
  mayDie        \* how many processes may still die

ofCalls == <<workIds, callQueue, futures, calls, begun>>
ofProcesses == <<processes, runs, used, resultQueue, watched, early, mayDie>>
ofExecutor == <<phase, closers, collected>>
vars == <<ofCalls, ofProcesses, ofExecutor, awake>>

WorkId == 1..Calls
Process == 1..Processes
Closer == DOMAIN Closers

Living == {"starting", "idle", "running", "told"}
Dead == {"stillborn", "failed", "dead"}
Absent == {"unborn", "refused"}
Done == {"CANCELLED", "CANCELLED_AND_NOTIFIED", "FINISHED"}
Notified == {"CANCELLED_AND_NOTIFIED", "FINISHED"}

Phases == <<"OPEN", "INTERPRETER_EXIT", "SHUTTING_DOWN", "CANCELLING", "BROKEN", "FORKED">>
Strength(p) == CHOOSE n \in DOMAIN Phases : Phases[n] = p
Stronger(p, q) == IF Strength(q) > Strength(p) THEN q ELSE p
RunsQueued(p) == Strength(p) < Strength("CANCELLING")
PhaseOf(request) ==
  CASE request = "exit" -> "INTERPRETER_EXIT"
    [] request = "shutdown" -> "SHUTTING_DOWN"
    [] OTHER -> "CANCELLING"

Range(seq) == {seq[i] : i \in DOMAIN seq}
Least(S) == CHOOSE n \in S : \A m \in S : n <= m
Most(S) == CHOOSE n \in S : \A m \in S : n >= m
Min(m, n) == IF m < n THEN m ELSE n
With(seq, w) == LET Before(v) == v < w
                    After(v) == v > w
                IN  SelectSeq(seq, Before) \o <<w>> \o SelectSeq(seq, After)
Without(seq, w) == LET Other(v) == v # w IN SelectSeq(seq, Other)

TypeOK ==
  LET Queue == UNION {[1..n -> WorkId] : n \in 0..Calls}
  IN  /\ phase \in {"OPEN", "INTERPRETER_EXIT", "SHUTTING_DOWN", "CANCELLING", "BROKEN"}
      /\ workIds \in Queue
      /\ callQueue \in Queue
      /\ processes \in [Process -> Living \union Dead \union Absent \union {"ended"}]
      /\ runs \in [Process -> {0} \union WorkId]
      /\ used \in [Process -> 0..MaxTasks]
      /\ resultQueue \in [Process -> Queue]
      /\ futures \in [WorkId -> {"PENDING", "RUNNING"} \union Notified]
      /\ calls \in [WorkId -> {"out", "accepted", "raised"}]
      /\ begun \in [WorkId -> Nat]
      /\ closers \in [Closer -> {"out", "discarding", "joining", "back"}]
      /\ {collected, awake} \subseteq BOOLEAN
      /\ watched \in [Process -> BOOLEAN]
      /\ early \in 0..Deaths
      /\ mayDie \in 0..Deaths

-----------------------------------------------------------------------------

Unclaimed == Range(workIds) \union Range(callQueue)
Pending == {w \in WorkId : calls[w] = "accepted" /\ futures[w] \notin Done}
Started == {p \in Process : processes[p] \notin Absent}
Spent(p) == MaxTasks > 0 /\ used[p] = MaxTasks

(* How many processes there should be for what is pending. *)
Wanted == IF Eager /\ Pending # {} THEN Processes ELSE Min(Processes, Cardinality(Pending))

(* What cancel, and what a result or an exception, make of an owned future. *)
IfCancelled(state) == IF state = "PENDING" THEN "CANCELLED_AND_NOTIFIED" ELSE state
IfFinished(state) == IF state \in Done THEN state ELSE "FINISHED"

Init ==
  /\ phase = "OPEN"
  /\ workIds = <<>>
  /\ callQueue = <<>>
  /\ processes = [p \in Process |-> "unborn"]
  /\ runs = [p \in Process |-> 0]
  /\ used = [p \in Process |-> 0]
  /\ resultQueue = [p \in Process |-> <<>>]
  /\ futures = [w \in WorkId |-> "PENDING"]
  /\ calls = [w \in WorkId |-> "out"]
  /\ begun = [w \in WorkId |-> 0]
  /\ closers = [c \in Closer |-> "out"]
  /\ collected = FALSE
  /\ awake = FALSE
  /\ watched = [p \in Process |-> FALSE]
  /\ early = 0
  /\ mayDie = Deaths
=============================================================================
