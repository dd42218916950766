------------------------- MODULE ProcessPoolClaims -------------------------
(***************************************************************************)
(* What must hold of the process pool: of each state, of each step, and in *)
(* the end.  The first two mirror spec/process_pool_invariants.py.         *)
(***************************************************************************)
EXTENDS ProcessPool

(* A call whose submit raised is nowhere, and never begins. *)
AcceptanceIsAtomic ==
  \A w \in WorkId :
    calls[w] = "raised" => futures[w] = "PENDING" /\ begun[w] = 0 /\ w \notin Unclaimed

(* No call begins twice, whoever dies. *)
AtMostOnce == \A w \in WorkId : begun[w] <= 1

(* No more calls are offered than the Call Q has room for. *)
BoundedCallQueue == Len(callQueue) <= CallQueueSize

(* No owned future is cancelled without its waiters being told. *)
CancelledMeansTold == \A w \in WorkId : futures[w] # "CANCELLED"

(* No call begins whose cancel() succeeded, before or after. *)
CancelledNeverRuns ==
  \A w \in WorkId : futures[w] = "CANCELLED_AND_NOTIFIED" => begun[w] = 0

(* A call that has not ended and that no process has claimed can be cancelled. *)
CancelSucceedsUntilClaimed == \A w \in Pending : begun[w] = 0 => ENABLED Cancel(w)

(* While the local worker sleeps, there are processes enough for what is      *)
(* pending; where the system refuses some, all the others are enough.         *)
Capacity ==
  LET living == {p \in Process : processes[p] \in Living}
      possible == {p \in Process : processes[p] # "refused"}
  IN  (~awake /\ RunsQueued(phase)) =>
        Cardinality(living) >= Min(Wanted, Cardinality(possible))

(* When shutdown(wait=True) returns, every accepted call has ended. *)
EndedMeansSettled == (\E c \in Closer : closers[c] = "back") => Pending = {}

(* A call is in one room at a time: Work Ids, the Call Q, a process, the Result Q. *)
InOneRoomOnly ==
  LET Once(seq) == \A i, j \in DOMAIN seq : i # j => seq[i] # seq[j]
      Answers(p) == Range(resultQueue[p])
      claimed == {runs[p] : p \in Process} \ {0}
      answered == UNION {Answers(p) : p \in Process}
  IN  /\ Once(workIds) /\ Once(callQueue) /\ \A p \in Process : Once(resultQueue[p])
      /\ Range(workIds) \intersect Range(callQueue) = {}
      /\ Unclaimed \intersect (claimed \union answered) = {}
      /\ claimed \intersect answered = {}
      /\ \A p, q \in Process : p # q =>
           /\ runs[p] = 0 \/ runs[p] # runs[q]
           /\ Answers(p) \intersect Answers(q) = {}

(* running() is true of claimed calls only. *)
KnownIsTrue == \A w \in WorkId : futures[w] = "RUNNING" => begun[w] > 0

(* While the local worker sleeps and calls wait, an idle process has one to claim. *)
NoProcessIdlesWhileWorkWaits ==
  (~awake /\ RunsQueued(phase) /\ workIds # <<>> /\ callQueue = <<>>) =>
    \A p \in Process : processes[p] # "idle"

(* An accepted call that has not ended is in some room, and no other call is. *)
NothingLost ==
  LET claimed == {runs[p] : p \in Process} \ {0}
  IN  Pending = Unclaimed \union claimed \union UNION {Range(resultQueue[p]) : p \in Process}

(* A call that waits is overtaken by so many; with one process, by none. *)
OvertakenByFew ==
  \A w \in Unclaimed :
    Cardinality({v \in WorkId : v > w /\ begun[v] > 0}) <= IF Processes = 1 THEN 0 ELSE Overtake

(* shutdown(wait=True) returns only when no process is left. *)
ShutdownMeansEnded == (\E c \in Closer : closers[c] = "back") => Started = {}

(* While the local worker sleeps, it watches every process that there is. *)
WatchedSet == ~awake => \A p \in Started : watched[p]

(* What is recalled goes to the front: Work Ids are in the order of submission. *)
WorkIdsInOrder == \A i, j \in DOMAIN workIds : i < j => workIds[i] < workIds[j]

-----------------------------------------------------------------------------

(* Where the parent has a call.  In Work Ids it is WAITING, recalled or not;  *)
(* what a process has claimed is IN_SLOT until that is known.                 *)
Place(w) ==
  CASE futures[w] \in Done -> "SETTLED"
    [] futures[w] = "RUNNING" -> "CLAIMED"
    [] futures[w] = "PENDING" /\ calls[w] = "accepted" /\ w \notin Range(workIds) -> "IN_SLOT"
    [] OTHER -> "WAITING"

(* A call goes from one place to another as spec/work_item.py says. *)
CallsMoveByTheTable ==
  [][\A w \in WorkId :
       \/ Place(w)' = Place(w)
       \/ <<Place(w), Place(w)'>> \in
            {<<"WAITING", "IN_SLOT">>, <<"IN_SLOT", "WAITING">>, <<"IN_SLOT", "CLAIMED">>}
       \/ Place(w)' = "SETTLED"]_vars

(* No more than one call ends at a time, and only a death breaks the pool. *)
Containment ==
  [][/\ Cardinality({w \in WorkId : futures[w] \notin Done /\ futures'[w] \in Done}) <= 1
     /\ (phase # "BROKEN" /\ phase' = "BROKEN") =>
          \E p \in Process : processes[p] \in Dead \/ processes'[p] = "refused"]_vars

(* A call fails unanswered only if it was claimed by who died, or the pool is *)
(* broken; and a process that is found dead takes nothing else with it.       *)
ExactBlame ==
  [][LET found == {p \in Process : processes[p] \in Dead /\ processes'[p] \notin Dead}
         blamed == {runs[p] : p \in found} \ {0}
         answers == {Head(resultQueue[p]) : p \in {q \in Process : resultQueue[q] # <<>>}}
         ended == {w \in WorkId : futures[w] # "FINISHED" /\ futures'[w] = "FINISHED"}
     IN  /\ found # {} => ended = blamed /\ UNCHANGED <<workIds, callQueue>>
         /\ ended \subseteq blamed \union answers
                              \union (IF phase = "BROKEN" THEN Unclaimed ELSE {})
                              \union {w \in WorkId : calls[w] = "out"}]_vars

(* A future that has ended stays as it is, and everybody was told of its end. *)
FuturesEndOnce ==
  [][\A w \in WorkId : (futures[w] \in Notified) => (futures'[w] = futures[w])]_vars

(* No later request weakens an earlier one. *)
RequestsAreMonotone == [][Strength(phase') >= Strength(phase)]_vars

-----------------------------------------------------------------------------

(* Refinement: each future lives as one of module Future that an executor     *)
(* owns.  Agent 2 is who cancels it; agent 3 is who gives it an outcome, of   *)
(* which Future asks not that it be seen to run before.  What follows an end  *)
(* is Future's own matter: it has yet to be done.                             *)
Life(w) ==
  INSTANCE Future WITH
    Owned <- TRUE, Cancellers <- 1, Resolvers <- 1, Results <- 0, Waits <- 0, Callbacks <- 0,
    state <- futures[w],
    agents <- <<"idle", IF futures[w] = "CANCELLED_AND_NOTIFIED" THEN "busy" ELSE "idle",
                IF futures[w] = "FINISHED" THEN "busy" ELSE "idle">>,
    todo <- LET all == <<"TellWaiters", "WakeBlocked", "RunCallbacks">>
            IN  <<<<>>, IF futures[w] = "CANCELLED_AND_NOTIFIED" THEN all ELSE <<>>,
                  IF futures[w] = "FINISHED" THEN all ELSE <<>>>>,
    results <- <<>>, waits <- <<>>, callbacks <- <<>>, queue <- <<>>, ran <- <<>>,
    drained <- futures[w] \in Notified

EachIsAFuture ==
  /\ \A w \in WorkId : Life(w)!Init
  /\ [][\A w \in WorkId : Life(w)!Next \/ UNCHANGED futures[w]]_vars

-----------------------------------------------------------------------------

(* Every call that was accepted ends, and everybody is told. *)
EveryAcceptedCallEnds ==
  \A w \in WorkId : (calls[w] = "accepted") ~> (futures[w] \in Notified)

(* Every call that was accepted begins or ends, though one that began may never end. *)
EveryAcceptedCallIsTakenUp ==
  \A w \in WorkId : (calls[w] = "accepted") ~> (begun[w] > 0 \/ futures[w] \in Notified)

(* Every shutdown(wait=True) that was begun returns. *)
EveryShutdownReturns == \A c \in Closer : (closers[c] # "out") ~> (closers[c] = "back")

(* Once the executor has been collected, or asked to end, its processes end. *)
ProcessesEnd == (phase # "OPEN") ~> (Started = {})
=============================================================================
