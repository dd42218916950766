------------------------- MODULE ClaimTicketsClaims -------------------------
(***************************************************************************)
(* What must hold of the claim tickets: of each state, of each step, and   *)
(* in the end.                                                             *)
(***************************************************************************)
EXTENDS ClaimTickets

(* No call begins twice. *)
AtMostOnce == \A w \in WorkId : begun[w] <= 1

(* What was cancelled never begins. *)
CancelledNeverRuns == \A w \in WorkId : endings[w] = "cancelled" => begun[w] = 0

(* Until a process claims a call, whoever cancels it succeeds, wherever it is. *)
CancelSucceedsUntilClaimed ==
  \A w \in WorkId :
    (Accepted(w) /\ ~Settled(w) /\ begun[w] = 0) =>
      \/ w \in WorkIds
      \/ /\ places[w] = "IN_SLOT"
         /\ \E p \in Process, s \in Slot : slots[p][s] = w /\ tickets[p][s] > 0

(* running() says true of claimed calls only. *)
RunningMeansClaimed == \A w \in WorkId : places[w] = "CLAIMED" => begun[w] > 0

(* A ticket is 0 or 1; that of a free slot is there, that of a slot won is not. *)
TicketsPostedOnce ==
  \A p \in Process, s \in Slot :
    /\ tickets[p][s] <= 1
    /\ (Watched(p) /\ slots[p][s] = Free) => tickets[p][s] = 1
    /\ slots[p][s] = Won => tickets[p][s] = 0

(* A lane never holds more than its slots. *)
BoundedLane ==
  \A p \in Process :
    /\ Unanswered(p) <= Depth
    /\ Len(lanes[p]) + Len(taken[p]) + Len(answers[p]) <= Unanswered(p)

(* What is in a lane answers the frames that are due, in their order. *)
SerialsMatch ==
  \A p \in Process : Reads(p) =>
    \A i \in DOMAIN answers[p] : answers[p][i].serial = (due[p] + i - 1) % Serials

(* "dropped" answers a call that the parent has won, a result that very call. *)
AnswersFit ==
  \A p \in Process : Reads(p) =>
    \A i \in DOMAIN answers[p] :
      CASE answers[p][i].kind = "dropped" -> CallAt(p, i - 1) = Won
        [] answers[p][i].kind = "result" -> CallAt(p, i - 1) = answers[p][i].call
        [] OTHER -> CallAt(p, i - 1) \in {answers[p][i].call, Won}

(* A call that is offered is in one slot: there its frame is on its way, or it *)
(* is claimed and its process has it, or that one is gone.  One that is known  *)
(* to be claimed has left its slot only to be ended.                           *)
NothingLost ==
  \A w \in WorkId :
    LET within == {ps \in Process \X Slot : slots[ps[1]][ps[2]] = w}
        p == Holder(w)
    IN  CASE places[w] \notin {"IN_SLOT", "CLAIMED"} -> within = {}
          [] places[w] = "CLAIMED" /\ within = {} -> Ending(w) \/ watch[p] = "reaping"
          [] OTHER ->
               /\ within = {<<p, SlotWith(w)>>}
               /\ \/ procs[p] \in Dead
                  \/ begun[w] = 0 /\ w \in Range(lanes[p]) \union Range(taken[p])
                  \/ begun[w] > 0 /\ (runs[p] = w \/ \E a \in Range(answers[p]) : a.call = w)

(* While a call is unclaimed, at most Overtake later ones are claimed. *)
OvertakenByFew ==
  \A w \in WorkId :
    (Accepted(w) /\ ~Settled(w) /\ begun[w] = 0) =>
      Cardinality({v \in WorkId : numbers[v] > numbers[w] /\ begun[v] > 0}) <= Overtake

(* Blamed is the call that the process had claimed and not answered when it died. *)
OnlyTheClaimedIsBlamed ==
  [][\A w \in WorkId : (endings[w] # endings'[w] /\ endings'[w] = "blamed") =>
       \E p \in Process : procs[p] = "dead" /\ runs[p] = w]_vars

(* That call is blamed when its process is buried. *)
TheClaimedIsBlamed ==
  [][\A p \in Process : (procs[p] = "dead" /\ procs'[p] = "unborn" /\ runs[p] # 0) =>
       endings'[runs[p]] = "blamed"]_vars

(* An argument that kills costs the process that has claimed it, and no other. *)
OnlyTheClaimedKills ==
  [][\A p \in Process :
       (procs[p] \in Alive /\ procs'[p] \in {"stillborn", "dead"}) =>
         deaths' # deaths \/ runs[p] \in Poison]_vars

(* A call is ended by its own answer only. *)
AnswersReachTheirCall ==
  [][\A w \in WorkId : (~Ending(w) /\ Ending(w)') =>
       \E p \in Process : answers[p] # <<>> /\ Head(answers[p]).call = w
                            /\ Head(answers[p]).kind = "result"]_vars

(* A call stays ended as it ended, unless it is submitted again. *)
CallsEndOnce ==
  [][\A w \in WorkId : Settled(w) => endings'[w] = endings[w] \/ places'[w] = "WAITING"]_vars

-----------------------------------------------------------------------------

(* Every call that was accepted ends.  (That P leads to ~P is []<>~P.) *)
EveryAcceptedCallEnds == \A w \in WorkId : []<>~(Accepted(w) /\ ~Settled(w))

(* Every call is claimed, or ends without, though one call need never end. *)
EveryAcceptedCallIsClaimed ==
  \A w \in WorkId : []<>~(Accepted(w) /\ ~Settled(w) /\ begun[w] = 0)

(* Once the executor is asked to end, or broken, its processes end. *)
ProcessesEnd == []<>~(phase # "OPEN" /\ \E p \in Process : watch[p] # "off")

(* No process idles for ever while there is a call that it could have. *)
NoProcessIdlesWhileUnclaimedWaits ==
  \A p \in Process :
    []<>~(/\ Idle(p) /\ procs[p] = "idle" /\ RunsQueued
          /\ (WorkIds # {} \/ \E q \in Process : Movable(q) # {}))
=============================================================================
