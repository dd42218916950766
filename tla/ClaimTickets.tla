---------------------------- MODULE ClaimTickets ----------------------------
(***************************************************************************)
(* The claim tickets: what the parent does.  The n-th frame to a process   *)
(* has the slot n % Depth of that process, and the slot has a ticket.  The *)
(* parent tries the ticket of a call that it wants back, and writes a win  *)
(* down in the same hold of the pool's lock.  A slot's ticket is posted    *)
(* again, and then the slot is free, when its answer was read.             *)
(*                                                                         *)
(* A step is one lock hold, or part of one, or something that is done with *)
(* no lock held.  ClaimTicketsRefines shows that this is the ProcessPool.  *)
(***************************************************************************)
EXTENDS ClaimTicketsProcess

(* The parent wins the ticket of the call w: its slot is marked in the same hold. *)
WinBack(w) ==
  /\ places[w] = "IN_SLOT" /\ Ticket(w) = 1
  /\ Take(Holder(w), SlotWith(w))
  /\ Put(Holder(w), SlotWith(w), Won)
  /\ UNCHANGED <<sent, due>>

(* The parent tries the ticket of the call w in vain: a process has claimed it. *)
LearnsOf(w) ==
  /\ places[w] = "IN_SLOT" /\ Ticket(w) = 0
  /\ Goto(w, "CLAIMED")
  /\ UNCHANGED <<endings, numbers, begun, ring>>

-----------------------------------------------------------------------------
(* Callers. *)

Submit(w) ==  \* in order; a call that is settled may come again, as the youngest
  LET first == places[w] = "OUT" /\ \A v \in 1..(w - 1) : Accepted(v)
      again == /\ Endless /\ \A v \in WorkId : Accepted(v)
               /\ w = Least({v \in WorkId : Settled(v)} \union {Calls + 1})
      given == [numbers EXCEPT ![w] = 1 + Greatest({numbers[v] : v \in WorkId})]
      open == {given[v] : v \in {w} \union {u \in Pending : begun[u] = 0}}
      near == {n \in 1..given[w] : \E m \in open : m - Overtake <= n /\ n <= m}
  IN  /\ phase = "OPEN" /\ (first \/ again)
      /\ Goto(w, "WAITING")
      /\ endings' = [endings EXCEPT ![w] = ""]
      /\ begun' = [begun EXCEPT ![w] = 0]
      /\ numbers' = IF ~Endless THEN given  \* else no gap need be wider than Overtake + 1
                    ELSE [v \in WorkId |-> IF given[v] \notin open THEN 0
                                           ELSE Cardinality({n \in near : n <= given[v]})]
      /\ UNCHANGED <<phase, ofProcess, ring, watch, deaths>>

MayCancel(w) ==  \* a caller, or shutdown(cancel_futures=True)
  w \in Cancels \/ phase = "CANCELLING"

CancelWaiting(w) ==  \* a call in Work Ids
  /\ MayCancel(w) /\ w \in WorkIds
  /\ Ends(w, "cancelled")
  /\ UNCHANGED <<phase, numbers, begun, ofProcess, ring, watch, deaths>>

CancelInSlot(w) ==  \* a call in the Call Q: the parent wins its ticket
  /\ MayCancel(w) /\ WinBack(w)
  /\ Ends(w, "cancelled")
  /\ UNCHANGED <<phase, numbers, begun, ofProcess, watch, deaths>>

CancelFails(w) ==  \* the parent does not win, and so learns that the call is claimed
  /\ MayCancel(w) /\ LearnsOf(w)
  /\ UNCHANGED <<phase, ofProcess, watch, deaths>>

Notice(w) ==  \* running(), or the local worker: the ticket's value is read, not taken
  /\ LearnsOf(w)
  /\ UNCHANGED <<phase, ofProcess, watch, deaths>>

Asks(to) ==
  /\ Strength(to) > Strength(phase)
  /\ phase' = to
  /\ UNCHANGED <<calls, ofProcess, ring, watch, deaths>>

Shutdown(to) ==  \* to a stronger phase only
  to \in Requests /\ Asks(to)

-----------------------------------------------------------------------------
(* The parent. *)

Start(p) ==  \* an incarnation with a lane, a ring and tickets of its own
  /\ RunsQueued /\ Cardinality({q \in Process : watch[q] # "off"}) < Cardinality(Pending)
  /\ p = Least({q \in Process : watch[q] = "off"} \union {Processes + 1})
  /\ Goes(p, "starting") /\ Sees(p, "on")
  /\ UNCHANGED <<phase, calls, runs, lanes, taken, answers, ring, deaths>>

(* Nobody is unclaimed that the call w would overtake by too much. *)
MayPass(w) ==
  \A v \in WorkId : places[v] = "IN_SLOT" => numbers[w] <= numbers[v] + Overtake

HasRoom(p) == Watched(p) /\ slots[p][SlotOf(sent[p])] = Free

Offer(p) ==  \* the oldest of Work Ids; what is written to the dead is lost
  LET w == Oldest(WorkIds)
  IN  /\ RunsQueued /\ HasRoom(p) /\ WorkIds # {} /\ MayPass(w)
      /\ places' = [places EXCEPT ![w] = "IN_SLOT"]
      /\ wheres' = [wheres EXCEPT ![w] = <<p, sent[p]>>]
      /\ Put(p, SlotOf(sent[p]), w)
      /\ sent' = [sent EXCEPT ![p] = After(@)]
      /\ lanes' = IF procs[p] \in Alive THEN [lanes EXCEPT ![p] = Append(@, w)] ELSE lanes
      /\ UNCHANGED <<phase, endings, numbers, begun, procs, runs, taken, answers>>
      /\ UNCHANGED <<tickets, due, watch, deaths>>

(* A process is idle: half of what the fullest lane can spare goes back. *)
MaySteal(p, w) ==
  /\ \E q \in Process : Idle(q)
  /\ Cardinality(WorkIds) < Cardinality(Movable(p))
  /\ \A q \in Process : Cardinality(Movable(q)) <= Cardinality(Movable(p))
  /\ w = Oldest(Movable(p))

(* A call in the Call Q may not be overtaken once more. *)
HeldUpBy(w) ==
  WorkIds # {} /\ places[w] = "IN_SLOT" /\ numbers[Oldest(WorkIds)] > numbers[w] + Overtake

MayRecall(w) ==
  /\ RunsQueued
  /\ \E p \in Process : Watched(p) /\ w \in Movable(p) /\ (MaySteal(p, w) \/ HeldUpBy(w))

(* A lane stands, or so it seems, and there is another: that one may have the *)
(* call, even if it is the first of its lane.                                 *)
MayTakeOver(w) ==
  /\ MayStand /\ RunsQueued /\ places[w] = "IN_SLOT" /\ Watched(Holder(w))
  /\ \E q \in Process : q # Holder(w) /\ Watched(q)

Back(w) ==
  /\ WinBack(w)
  /\ Goto(w, "RECALLED")
  /\ UNCHANGED <<phase, endings, numbers, begun, ofProcess, watch, deaths>>

Recall(w) ==  \* the parent wins the ticket
  MayRecall(w) /\ Back(w)

RecallFails(w) ==  \* the parent does not win
  /\ MayRecall(w) /\ LearnsOf(w)
  /\ UNCHANGED <<phase, ofProcess, watch, deaths>>

TakeOver(w) ==  \* the parent wins the ticket
  MayTakeOver(w) /\ Back(w)

-----------------------------------------------------------------------------
(* The local worker. *)

Reads(p) == Watched(p) \/ watch[p] = "draining"

(* The answers in the lane of p that are there in full. *)
Complete(p) == {i \in DOMAIN answers[p] : answers[p][i].kind # "part"}
HasAnswer(p) == ~Busy /\ Reads(p) /\ Complete(p) # {}

(* It is the result of a call that the process has, or "dropped" of one that was *)
(* won back.  Nothing else is ever there, says AnswersFit.                       *)
Fits(p) ==
  /\ Unanswered(p) > 0 /\ Head(answers[p]).serial = due[p]
  /\ IF Head(answers[p]).kind = "result" THEN CallAt(p, 0) \in WorkId ELSE CallAt(p, 0) = Won

IsRead(p) ==
  /\ answers' = [answers EXCEPT ![p] = Tail(@)]
  /\ due' = [due EXCEPT ![p] = After(@)]
  /\ Put(p, SlotAt(p, 0), Answered)
  /\ UNCHANGED <<phase, endings, numbers, begun, procs, runs, lanes, taken>>
  /\ UNCHANGED <<tickets, sent, watch, deaths>>

ReadResult(p) ==  \* the call returned or raised, so it was claimed
  /\ HasAnswer(p) /\ Head(answers[p]).kind = "result" /\ Fits(p)
  /\ Goto(CallAt(p, 0), "CLAIMED")
  /\ IsRead(p)

ReadDropped(p) ==  \* the process did not win the ticket, since the parent did
  /\ HasAnswer(p) /\ Head(answers[p]).kind = "dropped" /\ Fits(p)
  /\ IsRead(p)
  /\ UNCHANGED <<places, wheres>>

PostTicket(p) ==
  \E s \in Slot :
    /\ slots[p][s] = Answered
    /\ tickets' = [tickets EXCEPT ![p][s] = @ + 1]
    /\ Put(p, s, Posted)
    /\ UNCHANGED <<phase, calls, ofProcess, sent, due, watch, deaths>>

FreeSlot(p) ==
  \E s \in Slot :
    /\ slots[p][s] = Posted
    /\ Put(p, s, Free)
    /\ UNCHANGED <<phase, calls, ofProcess, tickets, sent, due, watch, deaths>>

Settle(w) ==  \* the future ends
  /\ Ending(w) /\ \A p \in Process, s \in Slot : slots[p][s] \notin {Answered, Posted}
  /\ Ends(w, "answered")
  /\ UNCHANGED <<phase, numbers, begun, ofProcess, ring, watch, deaths>>

SeeDeath(p) ==  \* from the process itself, not from a sentinel that others may hold
  /\ ~Busy /\ watch[p] \in {"on", "told"} /\ procs[p] \in Dead
  /\ Sees(p, "draining")
  /\ UNCHANGED <<phase, calls, ofProcess, ring, deaths>>

LaneIsRead(p) ==  \* to its end; part of an answer is thrown away
  /\ ~Busy /\ watch[p] = "draining" /\ Complete(p) = {}
  /\ answers' = [answers EXCEPT ![p] = <<>>]
  /\ Sees(p, "reaping")
  /\ UNCHANGED <<phase, calls, procs, runs, lanes, taken, ring, deaths>>

Reaps(p) == watch[p] = "reaping" /\ Unanswered(p) > 0

Reaped(p) ==
  /\ due' = [due EXCEPT ![p] = After(@)]
  /\ Put(p, SlotAt(p, 0), Free)
  /\ UNCHANGED <<phase, endings, numbers, begun, ofProcess, sent, watch, deaths>>

ReapUnclaimed(p) ==  \* the parent wins the ticket of the oldest call that is left
  LET w == CallAt(p, 0)
  IN  /\ Reaps(p) /\ RunsQueued  \* else the call is ended where it is
      /\ w \in WorkId /\ Ticket(w) = 1
      /\ Take(p, SlotAt(p, 0))
      /\ Goto(w, "RECALLED")
      /\ Reaped(p)

ReapClaimed(p) ==  \* it does not win: the dead process had claimed that call
  LET w == CallAt(p, 0)
  IN  /\ Reaps(p)
      /\ w \in WorkId /\ Ticket(w) = 0
      /\ Goto(w, "CLAIMED")
      /\ Reaped(p)
      /\ UNCHANGED tickets

ReapWon(p) ==  \* the parent had won that ticket before
  /\ Reaps(p) /\ CallAt(p, 0) = Won
  /\ Reaped(p)
  /\ UNCHANGED <<places, wheres, tickets>>

Vanish(p) ==  \* what the process was is gone, its lane, ring and tickets with it
  /\ Goes(p, "unborn") /\ Sees(p, "off")
  /\ runs' = [runs EXCEPT ![p] = 0]
  /\ lanes' = [lanes EXCEPT ![p] = <<>>] /\ taken' = [taken EXCEPT ![p] = <<>>]
  /\ answers' = [answers EXCEPT ![p] = <<>>]
  /\ tickets' = [tickets EXCEPT ![p] = Fresh.tickets]
  /\ slots' = [slots EXCEPT ![p] = Fresh.slots]
  /\ sent' = [sent EXCEPT ![p] = 0] /\ due' = [due EXCEPT ![p] = 0]
  /\ UNCHANGED <<numbers, begun, deaths>>

BuryDead(p) ==  \* what it had claimed is blamed; it is replaced, or the pool breaks
  LET had == {w \in WorkId : places[w] = "CLAIMED" /\ Holder(w) = p}
  IN  /\ watch[p] = "reaping" /\ Unanswered(p) = 0
      /\ phase' = IF Policy = "break" THEN "BROKEN" ELSE phase
      /\ IF had = {} THEN UNCHANGED <<places, wheres, endings>>
         ELSE Ends(Least(had), IF procs[p] = "killed" THEN "failed" ELSE "blamed")
      /\ Vanish(p)

Stop(p) ==  \* nothing is left: tell a process to end
  /\ phase \notin {"OPEN", "BROKEN"} /\ Pending = {} /\ Idle(p)
  /\ Sees(p, "told")
  /\ UNCHANGED <<phase, calls, ofProcess, ring, deaths>>

BuryEnded(p) ==
  /\ watch[p] = "told" /\ procs[p] = "ended"
  /\ Vanish(p)
  /\ UNCHANGED <<phase, places, wheres, endings>>

Kill(p) ==  \* the pool is broken
  /\ phase = "BROKEN" /\ Watched(p) /\ procs[p] \in Alive
  /\ Goes(p, "killed")
  /\ lanes' = [lanes EXCEPT ![p] = <<>>] /\ taken' = [taken EXCEPT ![p] = <<>>]
  /\ UNCHANGED <<phase, calls, runs, answers, ring, watch, deaths>>

FailWaiting(w) ==  \* the pool is broken: what is in Work Ids fails
  /\ phase = "BROKEN" /\ w \in WorkIds
  /\ Ends(w, "failed")
  /\ UNCHANGED <<phase, numbers, begun, ofProcess, ring, watch, deaths>>

FailInSlot(w) ==  \* and what is in the Call Q, if the parent wins its ticket
  /\ phase = "BROKEN" /\ WinBack(w)
  /\ Ends(w, "failed")
  /\ UNCHANGED <<phase, numbers, begun, ofProcess, watch, deaths>>

-----------------------------------------------------------------------------

OfParent(p) ==
  \/ Start(p) \/ Offer(p) \/ ReadResult(p) \/ ReadDropped(p) \/ PostTicket(p)
  \/ FreeSlot(p) \/ SeeDeath(p) \/ LaneIsRead(p) \/ ReapUnclaimed(p) \/ ReapClaimed(p)
  \/ ReapWon(p) \/ BuryDead(p) \/ Stop(p) \/ BuryEnded(p) \/ Kill(p)

WithCall(w) ==
  Recall(w) \/ RecallFails(w) \/ Settle(w) \/ FailWaiting(w) \/ FailInSlot(w)

Caller(w) ==
  \/ Submit(w) \/ CancelWaiting(w) \/ CancelInSlot(w) \/ CancelFails(w) \/ Notice(w)
  \/ TakeOver(w)

Others ==
  \/ \E p \in Process : OfProcess(p) \/ OfParent(p) \/ Die(p)
  \/ \E w \in WorkId : WithCall(w) \/ Caller(w)

Next == Others \/ \E to \in Requests : Shutdown(to)

(* Each process goes on, and every call ends but those of NeverEnds.  The parent *)
(* goes on: it does something of what it can do; shutdown(cancel_futures=True)   *)
(* tries every call, and the local worker looks at the ticket of a call that     *)
(* holds up others.  Nobody is obliged to submit, to cancel, to shut down, to    *)
(* call running(), or to die.                                                    *)
ProcessGoesOn(p) == OfProcess(p) /\ ~(procs[p] = "running" /\ runs[p] \in NeverEnds)

ParentGoesOn ==
  \/ \E p \in Process : OfParent(p)
  \/ \E w \in WorkId :
       \/ WithCall(w)
       \/ HeldUpBy(w) /\ Notice(w)
       \/ phase = "CANCELLING" /\ (CancelWaiting(w) \/ CancelInSlot(w) \/ CancelFails(w))

Fairness == WF_vars(ParentGoesOn) /\ \A p \in Process : WF_vars(ProcessGoesOn(p))

Spec == Init /\ [][Next]_vars /\ Fairness
=============================================================================
