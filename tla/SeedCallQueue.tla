---------------------------- MODULE SeedCallQueue ---------------------------
(***************************************************************************)
(* The Call Q as a plain queue that all processes read, as in the standard *)
(* library.  What is in it is out of the parent's hands: cancel() must say *)
(* False of a call that nobody has begun.  So the queue is kept short, and *)
(* that is slow.                                                           *)
(***************************************************************************)
EXTENDS Naturals, Sequences

CONSTANTS
  Calls,         \* how many calls are submitted
  Processes,     \* how many processes there are
  CallQueueSize  \* for how many calls the Call Q has room

ASSUME {Calls, Processes, CallQueueSize} \subseteq Nat

VARIABLES
  workIds,    \* accepted, and not in the Call Q: oldest first
  callQueue,  \* oldest first
  futures,    \* "OUT", or the state of each work item's future
  begun,      \* has a process begun the call?
  runs        \* the call that a process runs, else 0

vars == <<workIds, callQueue, futures, begun, runs>>

WorkId == 1..Calls
Process == 1..Processes

TypeOK ==
  LET Queue == UNION {[1..n -> WorkId] : n \in 0..Calls}
  IN  /\ workIds \in Queue /\ callQueue \in Queue
      /\ futures \in [WorkId -> {"OUT", "PENDING", "RUNNING", "CANCELLED", "FINISHED"}]
      /\ begun \in [WorkId -> BOOLEAN]
      /\ runs \in [Process -> {0} \union WorkId]

Becomes(w, state) == futures' = [futures EXCEPT ![w] = state]

Init ==
  /\ workIds = <<>> /\ callQueue = <<>>
  /\ futures = [w \in WorkId |-> "OUT"]
  /\ begun = [w \in WorkId |-> FALSE]
  /\ runs = [p \in Process |-> 0]

Submit(w) ==  \* in order
  /\ futures[w] = "OUT" /\ \A v \in 1..(w - 1) : futures[v] # "OUT"
  /\ Becomes(w, "PENDING")
  /\ workIds' = Append(workIds, w)
  /\ UNCHANGED <<callQueue, begun, runs>>

Cancel(w) ==  \* any thread that has the future
  /\ futures[w] = "PENDING"
  /\ Becomes(w, "CANCELLED")
  /\ UNCHANGED <<workIds, callQueue, begun, runs>>

Offer ==  \* the local worker: from now on the call counts as running
  /\ workIds # <<>> /\ Len(callQueue) < CallQueueSize
  /\ workIds' = Tail(workIds)
  /\ IF futures[Head(workIds)] = "PENDING"
     THEN /\ Becomes(Head(workIds), "RUNNING")
          /\ callQueue' = Append(callQueue, Head(workIds))
     ELSE UNCHANGED <<futures, callQueue>>
  /\ UNCHANGED <<begun, runs>>

Begin(p) ==  \* a process takes the oldest call
  /\ runs[p] = 0 /\ callQueue # <<>>
  /\ runs' = [runs EXCEPT ![p] = Head(callQueue)]
  /\ begun' = [begun EXCEPT ![Head(callQueue)] = TRUE]
  /\ callQueue' = Tail(callQueue)
  /\ UNCHANGED <<workIds, futures>>

Finish(p) ==
  /\ runs[p] # 0
  /\ Becomes(runs[p], "FINISHED")
  /\ runs' = [runs EXCEPT ![p] = 0]
  /\ UNCHANGED <<workIds, callQueue, begun>>

Next ==
  \/ \E w \in WorkId : Submit(w) \/ Cancel(w)
  \/ Offer
  \/ \E p \in Process : Begin(p) \/ Finish(p)

Spec == Init /\ [][Next]_vars

(* What was cancelled never begins; that does hold, at this price: *)
CancelledNeverRuns == \A w \in WorkId : futures[w] = "CANCELLED" => ~begun[w]

(* Until a process claims a call, whoever cancels it succeeds, wherever it is. *)
CancelSucceedsUntilClaimed ==
  \A w \in WorkId :
    (futures[w] \notin {"OUT", "CANCELLED"} /\ ~begun[w]) => ENABLED Cancel(w)
=============================================================================
