-------------------------- MODULE StandardManager ---------------------------
(***************************************************************************)
(* The process pool of the standard library, in our own words: its         *)
(* manager, a thread, moves calls from the work ids to a bounded call      *)
(* queue, sleeps, and handles what woke it.  StandardPool has the others.  *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
  Defect,         \* the museum's number of the old design, or "none"
  Calls,          \* how many calls are submitted
  Processes,      \* how many processes there may be at a time
  Room,           \* how many calls the call queue holds
  Limit,          \* after how many calls a process ends, or 0
  Closers,        \* what each caller of shutdown asks
  MayDie,         \* may a process die?
  MayCancel,      \* may callers cancel?
  MayBeSettled,   \* may a third party settle the future of a running call?
  MayBeSpoiled,   \* may an answer fail to unpickle?
  MayBeCollected  \* may the executor object be garbage-collected?

ASSUME
  /\ Defect \in {"none", "M1", "M5", "M8", "M16", "M17", "H1", "H4", "H9", "H10", "H13", "H27"}
  /\ {Calls, Processes, Room, Limit} \subseteq Nat
  /\ \A c \in DOMAIN Closers : Closers[c] \in {"wait", "wait, cancel", "go on", "go on, cancel"}
  /\ {MayDie, MayCancel, MayBeSettled, MayBeSpoiled, MayBeCollected} \subseteq BOOLEAN

VARIABLES
  calls,       \* of submit(): "out", "queued" (in its lock hold), "accepted", "raised"
  futures,     \* the state of each work item's future
  workIds,     \* accepted and not yet in the call queue, oldest first
  pending,     \* the work ids of the work items, as the manager has them
  callQueue,   \* work ids, oldest first; 0 tells a process to end
  resultQueue, \* answers: work id, the process if it ends with it, does it unpickle?
  processes,   \* "unborn", "idle", "running", "ended", "dead"
  holds,       \* the work id that a process runs, else 0
  ran,         \* how many calls a process has begun, where there is a limit
  manager,     \* where the manager is in its loop
  watched,     \* the processes that it watches while it sleeps
  wakeUp,      \* is there something in the wake-up channel?
  tokens,      \* H1: how many processes are believed to be idle
  ending,      \* is the executor shut down?
  cancelling,  \* is what has not begun to be cancelled?
  broken,      \* has the executor failed its calls?
  closers,     \* callers of shutdown(): "out", "joining", "back"
  gone,        \* have the executor's attributes been cleared by a shutdown that returned?
  collected    \* has the executor object been garbage-collected?

ids == <<workIds, pending>>
queues == <<callQueue, resultQueue>>
crew == <<processes, holds, ran, tokens>>
loop == <<manager, watched, wakeUp>>
flags == <<ending, cancelling, broken>>
users == <<closers, gone, collected>>
vars == <<calls, futures, ids, queues, crew, loop, flags, users>>

WorkId == 1..Calls
Process == 1..Processes
Closer == DOMAIN Closers

Done == {"CANCELLED", "FINISHED"}
Living == {"idle", "running"}

Waits(c) == Closers[c] \in {"wait", "wait, cancel"}
Cancels(c) == Closers[c] \in {"wait, cancel", "go on, cancel"}

Range(seq) == {seq[i] : i \in DOMAIN seq}
Least(S) == CHOOSE n \in S : \A m \in S : n <= m

TypeOK ==
  LET Queue(S, n) == UNION {[1..k -> S] : k \in 0..n}
  IN  /\ calls \in [WorkId -> {"out", "queued", "accepted", "raised"}]
      /\ futures \in [WorkId -> {"PENDING", "RUNNING"} \union Done]
      /\ workIds \in Queue(WorkId, Calls)
      /\ pending \subseteq WorkId
      /\ callQueue \in Queue({0} \union WorkId, Room)
      /\ \A i \in DOMAIN resultQueue :
           resultQueue[i] \in WorkId \X ({0} \union Process) \X BOOLEAN
      /\ processes \in [Process -> {"unborn", "ended", "dead"} \union Living]
      /\ holds \in [Process -> {0} \union WorkId]
      /\ ran \in [Process -> 0..Limit]
      /\ manager \in {"unborn", "adding", "sleeping", "looking", "draining", "stopping",
                      "breaking", "ended", "killed"}
      /\ watched \subseteq Process
      /\ tokens \in 0..Calls
      /\ closers \in [Closer -> {"out", "joining", "back"}]
      /\ {wakeUp, ending, cancelling, broken, gone, collected} \subseteq BOOLEAN

-----------------------------------------------------------------------------

Known == {p \in Process : processes[p] # "unborn"}
Alive == {p \in Process : processes[p] \in Living}

(* Who holds the lock of the executor from one step to the next. *)
Locked == manager = "breaking" \/ \E w \in WorkId : calls[w] = "queued"

(* One process more, if there are fewer than calls that have not ended.  H1: *)
(* unless a process ended a call since the last time.                        *)
Staffed(now, waiting) ==
  LET unborn == {p \in Process : now[p] = "unborn"}
      scarce == IF Defect = "H1" THEN tokens = 0
                ELSE Processes - Cardinality(unborn) < Cardinality(waiting)
  IN  /\ processes' = IF unborn # {} /\ scarce THEN [now EXCEPT ![Least(unborn)] = "idle"] ELSE now
      /\ tokens' = IF tokens > 0 THEN tokens - 1 ELSE 0

Init ==
  /\ calls = [w \in WorkId |-> "out"]
  /\ futures = [w \in WorkId |-> "PENDING"]
  /\ workIds = <<>> /\ callQueue = <<>> /\ resultQueue = <<>>
  /\ pending = {} /\ watched = {}
  /\ processes = [p \in Process |-> "unborn"]
  /\ holds = [p \in Process |-> 0]
  /\ ran = [p \in Process |-> 0]
  /\ manager = "unborn"
  /\ tokens = 0
  /\ closers = [c \in Closer |-> "out"]
  /\ wakeUp = FALSE /\ ending = FALSE /\ cancelling = FALSE /\ broken = FALSE
  /\ gone = FALSE /\ collected = FALSE

-----------------------------------------------------------------------------

CanAdd == workIds # <<>> /\ Len(callQueue) < Room

AddCall ==  \* the manager; it drops the call if that was cancelled
  LET w == Head(workIds)
      live == futures[w] = "PENDING"
  IN  /\ manager \in {"adding", "draining"} /\ CanAdd
      /\ workIds' = Tail(workIds)
      /\ callQueue' = IF live THEN Append(callQueue, w) ELSE callQueue
      /\ futures' = [futures EXCEPT ![w] = IF live THEN "RUNNING" ELSE @]
      /\ pending' = IF live THEN pending ELSE pending \ {w}
      /\ UNCHANGED <<calls, resultQueue, crew, loop, flags, users>>

Sleep ==  \* the manager; it watches the processes that it knows now
  /\ manager = "adding" /\ ~CanAdd
  /\ manager' = "sleeping" /\ watched' = Known
  /\ UNCHANGED <<calls, futures, ids, queues, crew, wakeUp, flags, users>>

Awake == manager = "sleeping" /\ wakeUp' = FALSE /\ UNCHANGED watched

TakeAnswer ==  \* the manager; if the process ended with it, another may have to be started
  LET w == Head(resultQueue)[1]
      p == Head(resultQueue)[2]
      left == pending \ {w}
      now == [processes EXCEPT ![p] = "unborn"]
      stuck == Defect = "M8" /\ futures[w] \in Done
      lost == p # 0 /\ Defect = "H10" /\ gone
  IN  /\ resultQueue # <<>> /\ (Head(resultQueue)[3] \/ Defect # "M16")
      /\ Awake
      /\ manager' = IF stuck \/ lost THEN "killed" ELSE "looking"
      /\ futures' = [futures EXCEPT ![w] = IF @ \in Done THEN @ ELSE "FINISHED"]
      /\ pending' = left
      /\ resultQueue' = Tail(resultQueue)
      /\ CASE stuck -> UNCHANGED <<processes, tokens, ran>>
           [] p = 0 /\ ~stuck ->
                tokens' = (IF Defect = "H1" THEN tokens + 1 ELSE 0) /\ UNCHANGED <<processes, ran>>
           [] lost \/ (p # 0 /\ Defect = "H9" /\ (gone \/ collected)) ->
                processes' = now /\ UNCHANGED <<tokens, ran>>
           [] OTHER -> Staffed(now, left) /\ ran' = [ran EXCEPT ![p] = 0]
      /\ UNCHANGED <<calls, workIds, callQueue, holds, flags, users>>

WokenUp ==  \* the manager
  /\ resultQueue = <<>> /\ wakeUp
  /\ Awake
  /\ manager' = "looking"
  /\ UNCHANGED <<calls, futures, ids, queues, crew, flags, users>>

Break ==  \* the manager: a process died (not in H27); M16: or an answer does not unpickle
  LET spoiled == Defect = "M16" /\ resultQueue # <<>> /\ ~Head(resultQueue)[3]
      died == /\ Defect # "H27" /\ resultQueue = <<>> /\ ~wakeUp
              /\ \E p \in watched : processes[p] = "dead"
  IN  /\ spoiled \/ died
      /\ ~Locked
      /\ Awake
      /\ manager' = "breaking"
      /\ broken' = TRUE /\ ending' = TRUE
      /\ UNCHANGED <<calls, futures, ids, queues, crew, cancelling, users>>

Fail ==  \* the manager, call by call
  LET w == Least(pending)
      stuck == Defect = "H13" /\ futures[w] \in Done
  IN  /\ manager = "breaking" /\ pending # {}
      /\ manager' = IF stuck THEN "killed" ELSE manager
      /\ futures' = [futures EXCEPT ![w] = IF @ \in Done THEN @ ELSE "FINISHED"]
      /\ pending' = pending \ {w}
      /\ UNCHANGED <<calls, workIds, queues, crew, watched, wakeUp, flags, users>>

Broke ==  \* the manager kills the processes and ends
  /\ manager = "breaking" /\ pending = {}
  /\ manager' = "ended"
  /\ processes' = [p \in Process |-> IF p \in Alive THEN "ended" ELSE processes[p]]
  /\ holds' = [p \in Process |-> 0]
  /\ UNCHANGED <<calls, futures, ids, queues, ran, tokens, watched, wakeUp, flags, users>>

Look ==  \* the manager: is the executor to end?  It cancels what it was asked to
  LET ends == ending \/ collected
      dropped == {w \in pending : cancelling /\ futures[w] \in {"PENDING", "CANCELLED"}}
      left == IF ends THEN pending \ dropped ELSE pending
  IN  /\ manager = "looking"
      /\ pending' = left
      /\ futures' = [w \in WorkId |-> IF ends /\ w \in dropped THEN "CANCELLED" ELSE futures[w]]
      /\ workIds' = IF ends /\ cancelling THEN <<>> ELSE workIds
      /\ ending' = ends
      /\ manager' = CASE ~ends -> "adding"
                      [] ends /\ Defect = "H4" -> (IF left = {} THEN "stopping" ELSE "adding")
                      [] OTHER -> "draining"
      /\ UNCHANGED <<calls, queues, crew, watched, wakeUp, cancelling, broken,
                     users>>

Drained ==  \* the manager: what was cancelled is not in the way any more
  /\ manager = "draining" /\ ~CanAdd
  /\ manager' = IF pending = {} THEN "stopping" ELSE "adding"
  /\ UNCHANGED <<calls, futures, ids, queues, crew, watched, wakeUp, flags, users>>

TellToEnd ==  \* the manager, once for each process
  /\ manager = "stopping" /\ Len(callQueue) < Room
  /\ Cardinality({i \in DOMAIN callQueue : callQueue[i] = 0}) < Cardinality(Alive)
  /\ callQueue' = Append(callQueue, 0)
  /\ UNCHANGED <<calls, futures, ids, resultQueue, crew, loop, flags, users>>

End ==  \* the manager has joined its processes
  /\ manager = "stopping" /\ Alive = {}
  /\ manager' = "ended"
  /\ UNCHANGED <<calls, futures, ids, queues, crew, watched, wakeUp, flags, users>>

Manager ==
  \/ AddCall \/ Sleep \/ TakeAnswer \/ WokenUp \/ Break \/ Fail \/ Broke
  \/ Look \/ Drained \/ TellToEnd \/ End
=============================================================================
