---------------------------- MODULE StandardPool ----------------------------
(***************************************************************************)
(* The process pool of the standard library, whole: the manager, those who *)
(* call it, and its processes.  Defect is the old design that is in it, by *)
(* the museum's number; with "none" each of them is repaired in the        *)
(* smallest way.  This is no model of foregone: that is ProcessPool.  A    *)
(* lock hold is one step here, but for the two of submit.  StandardLock    *)
(* has the locks, StandardFeeder what is behind the call queue.            *)
(***************************************************************************)
EXTENDS StandardManager

-----------------------------------------------------------------------------

Submit(w) ==  \* any thread that holds the executor takes its lock
  /\ calls[w] = "out" /\ \A v \in 1..(w - 1) : calls[v] # "out"
  /\ ~collected /\ ~Locked
  /\ IF ending
     THEN /\ calls' = [calls EXCEPT ![w] = "raised"]
          /\ UNCHANGED <<workIds, pending, wakeUp>>
     ELSE /\ calls' = [calls EXCEPT ![w] = "queued"]
          /\ workIds' = Append(workIds, w)
          /\ pending' = pending \union {w}
          /\ wakeUp' = (wakeUp \/ Defect = "M1")
  /\ UNCHANGED <<futures, queues, crew, manager, watched, flags, users>>

SubmitReturns(w) ==  \* in the same lock hold it sees to the processes
  /\ calls[w] = "queued"
  /\ calls' = [calls EXCEPT ![w] = "accepted"]
  /\ Staffed(processes, pending)
  /\ wakeUp' = (wakeUp \/ Defect # "M1")
  /\ manager' = IF manager = "unborn" THEN "adding" ELSE manager
  /\ UNCHANGED <<futures, ids, queues, holds, ran, watched,
                 flags, users>>

Cancel(w) ==  \* any thread that has the future
  /\ MayCancel
  /\ calls[w] = "accepted" /\ futures[w] = "PENDING"
  /\ futures' = [futures EXCEPT ![w] = "CANCELLED"]
  /\ UNCHANGED <<calls, ids, queues, crew, loop, flags, users>>

Settle(w) ==  \* any thread that has the future, and no business to
  /\ MayBeSettled
  /\ futures[w] = "RUNNING"
  /\ futures' = [futures EXCEPT ![w] = "FINISHED"]
  /\ UNCHANGED <<calls, ids, queues, crew, loop, flags, users>>

Shutdown(c) ==  \* any thread that holds the executor
  /\ closers[c] = "out" /\ ~collected /\ ~Locked
  /\ closers' = [closers EXCEPT ![c] = "joining"]
  /\ ending' = TRUE
  /\ cancelling' = (Cancels(c) \/ (cancelling /\ Defect # "M5"))
  /\ wakeUp' = TRUE
  /\ UNCHANGED <<calls, futures, ids, queues, crew, manager, watched, broken, gone, collected>>

ShutdownReturns(c) ==  \* a caller of shutdown
  /\ closers[c] = "joining"
  /\ \/ ~Waits(c)
     \/ manager \in {"unborn", "ended", "killed"}
     \/ gone /\ Defect = "M17"
  /\ closers' = [closers EXCEPT ![c] = "back"]
  /\ gone' = TRUE
  /\ UNCHANGED <<calls, futures, ids, queues, crew, loop, flags, collected>>

Collect ==  \* the garbage collector, once nobody is in a method of the executor
  /\ MayBeCollected /\ ~collected /\ ~Locked
  /\ \A c \in Closer : closers[c] # "joining"
  /\ collected' = TRUE /\ wakeUp' = TRUE
  /\ UNCHANGED <<calls, futures, ids, queues, crew, manager, watched, flags, closers, gone>>

-----------------------------------------------------------------------------

Take(p) ==  \* a process: the oldest call, or the word to end
  LET w == Head(callQueue)
  IN  /\ processes[p] = "idle" /\ callQueue # <<>>
      /\ callQueue' = Tail(callQueue)
      /\ processes' = [processes EXCEPT ![p] = IF w = 0 THEN "ended" ELSE "running"]
      /\ holds' = [holds EXCEPT ![p] = w]
      /\ ran' = [ran EXCEPT ![p] = IF w = 0 \/ Limit = 0 THEN @ ELSE @ + 1]
      /\ UNCHANGED <<calls, futures, ids, resultQueue, tokens, loop, flags, users>>

Finish(p) ==  \* a process; its last call ends it
  LET last == Limit # 0 /\ ran[p] = Limit
  IN  /\ processes[p] = "running"
      /\ processes' = [processes EXCEPT ![p] = IF last THEN "ended" ELSE "idle"]
      /\ \E whole \in {TRUE, ~MayBeSpoiled} :
           resultQueue' = Append(resultQueue, <<holds[p], IF last THEN p ELSE 0, whole>>)
      /\ holds' = [holds EXCEPT ![p] = 0]
      /\ UNCHANGED <<calls, futures, ids, callQueue, ran, tokens, loop, flags, users>>

Die(p) ==  \* a process, at any point
  /\ MayDie /\ p \in Alive
  /\ processes' = [processes EXCEPT ![p] = "dead"]
  /\ holds' = [holds EXCEPT ![p] = 0]
  /\ UNCHANGED <<calls, futures, ids, queues, ran, tokens, loop, flags, users>>

-----------------------------------------------------------------------------

OfProcess(p) == Take(p) \/ Finish(p)

Callers ==
  \/ \E w \in WorkId : Submit(w) \/ Cancel(w) \/ Settle(w)
  \/ \E c \in Closer : Shutdown(c)
  \/ Collect

Next ==
  \/ Manager \/ Callers
  \/ \E w \in WorkId : SubmitReturns(w)
  \/ \E c \in Closer : ShutdownReturns(c)
  \/ \E p \in Process : OfProcess(p) \/ Die(p)

(* The manager goes on, every call that runs ends unless its process dies, and *)
(* so do a submit and a shutdown that were begun.                              *)
Fairness ==
  /\ WF_vars(Manager)
  /\ \A p \in Process : WF_vars(OfProcess(p))
  /\ \A w \in WorkId : WF_vars(SubmitReturns(w))
  /\ \A c \in Closer : WF_vars(ShutdownReturns(c))

Spec == Init /\ [][Next]_vars /\ Fairness

-----------------------------------------------------------------------------

(* A call whose submit raised never runs. *)
AcceptanceIsAtomic == \A w \in WorkId : calls[w] = "raised" => futures[w] = "PENDING"

(* Whoever sleeps is to be woken, or watches every process there is. *)
WatchedSet ==
  (manager = "sleeping" /\ ~wakeUp /\ resultQueue = <<>>) => Known \subseteq watched

(* There are processes enough for the calls that have not ended. *)
Capacity ==
  LET backlog == {w \in pending : calls[w] = "accepted"}
  IN  manager \notin {"breaking", "stopping", "ended"} =>
        Cardinality(Known) >= Processes \/ Cardinality(Known) >= Cardinality(backlog)

(* What is wrong with one call is no reason to fail the others: a death is. *)
Containment == broken => \E p \in Process : processes[p] = "dead"

(* Nothing that a user does ends the manager before its work. *)
ServiceThreadsSurvive == manager # "killed"

(* The manager knows every accepted call that has not ended. *)
NothingLost ==
  \A w \in WorkId : (calls[w] = "accepted" /\ futures[w] \notin Done) => w \in pending

(* A shutdown that waits returns when no process is left. *)
ShutdownMeansEnded ==
  (\E c \in Closer : Waits(c) /\ closers[c] = "back") =>
    manager \in {"unborn", "ended"} /\ Alive = {}

(* No later request weakens an earlier one. *)
RequestsAreMonotone == [][(ending => ending') /\ (cancelling => cancelling')]_vars

(* A future that has ended stays as it is. *)
FuturesEndOnce ==
  [][\A w \in WorkId : (futures[w] \in Done) => (futures'[w] = futures[w])]_vars

-----------------------------------------------------------------------------

(* Every call that was accepted ends. *)
EveryAcceptedCallEnds == \A w \in WorkId : (calls[w] = "accepted") ~> (futures[w] \in Done)

(* Every shutdown that was begun returns. *)
EveryShutdownReturns == \A c \in Closer : (closers[c] = "joining") ~> (closers[c] = "back")
=============================================================================
