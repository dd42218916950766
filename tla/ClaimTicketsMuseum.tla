------------------------- MODULE ClaimTicketsMuseum -------------------------
(***************************************************************************)
(* Designs of the claim tickets that do not work.  A configuration puts    *)
(* one of them in the place of a definition of ClaimTickets.               *)
(***************************************************************************)
EXTENDS MCClaimTickets

-----------------------------------------------------------------------------
(* Tickets.                                                                  *)

(* The ticket is posted as soon as the parent has won it, before the process *)
(* has answered.  In the place of WinBack.                                   *)
WinBackAndPost(w) ==
  /\ places[w] = "IN_SLOT" /\ Ticket(w) = 1
  /\ Put(Holder(w), SlotWith(w), Won)
  /\ UNCHANGED <<tickets, sent, due>>

(* Who frees a slot posts its ticket, too.  In the place of FreeSlot. *)
FreeSlotAndPost(p) ==
  \E s \in Slot :
    /\ slots[p][s] = Posted
    /\ Put(p, s, Free)
    /\ tickets' = [tickets EXCEPT ![p][s] = @ + 1]
    /\ UNCHANGED <<phase, calls, ofProcess, sent, due, watch, deaths>>

(* The slot is free first, and its ticket posted then.  In the place of *)
(* PostTicket and FreeSlot.                                             *)
FreeSlotFirst(p) ==
  \E s \in Slot :
    /\ slots[p][s] = Answered
    /\ Put(p, s, Free)
    /\ UNCHANGED <<phase, calls, ofProcess, tickets, sent, due, watch, deaths>>

PostTicketThen(p) ==
  \E s \in Slot :
    /\ tickets[p][s] = 0
    /\ slots[p][s] = Free \/ \E w \in WorkId : slots[p][s] = w /\ begun[w] = 0
    /\ tickets' = [tickets EXCEPT ![p][s] = 1]
    /\ UNCHANGED <<phase, calls, ofProcess, slots, sent, due, watch, deaths>>

(* The ticket is posted while the call that was answered still counts as *)
(* offered.  In the place of ReadResult.                                 *)
ReadResultUnmarked(p) ==
  /\ HasAnswer(p) /\ Head(answers[p]).kind = "result" /\ Fits(p)
  /\ IsRead(p)
  /\ UNCHANGED <<places, wheres>>

(* A process runs what it gets, and takes no ticket.  In the place of Claim. *)
RunUnclaimed(p) ==
  LET w == Head(taken[p])
  IN  /\ procs[p] = "idle" /\ taken[p] # <<>>
      /\ taken' = [taken EXCEPT ![p] = Tail(@)]
      /\ runs' = [runs EXCEPT ![p] = w]
      /\ begun' = [begun EXCEPT ![w] = @ + 1]
      /\ Goes(p, "claimed")
      /\ UNCHANGED <<phase, places, wheres, endings, numbers, lanes, answers>>
      /\ UNCHANGED <<ring, watch, deaths>>

(* P2, M16: a process unpickles what it gets, and then tries the ticket.  In *)
(* the place of Claim.                                                       *)
UnpickleThenClaim(p) ==
  /\ procs[p] = "idle" /\ taken[p] # <<>>
  /\ IF Head(taken[p]) \in Poison THEN Dies(p) /\ UNCHANGED deaths ELSE Wins(p)

-----------------------------------------------------------------------------
(* Taking back.                                                              *)

(* The parent wins, and writes that down in another hold of the lock: who    *)
(* tries meanwhile loses, and believes that a process has won.  In the place *)
(* of Back.                                                                  *)
BackInTwoHolds(w) ==
  /\ places[w] = "IN_SLOT"
  /\ IF Ticket(w) = 1
     THEN Take(Holder(w), SlotWith(w)) /\ UNCHANGED <<places, wheres, slots>>
     ELSE /\ begun[w] = 0  \* so it was the parent who won
          /\ Put(Holder(w), SlotWith(w), Won)
          /\ Goto(w, "RECALLED")
          /\ UNCHANGED tickets
  /\ UNCHANGED <<phase, endings, numbers, begun, ofProcess, sent, due, watch, deaths>>

(* A slot is free as soon as the parent has won it back: the answer to its *)
(* old frame is taken for one to the next.  In the place of WinBack.       *)
WinBackAndFree(w) ==
  /\ places[w] = "IN_SLOT" /\ Ticket(w) = 1
  /\ Put(Holder(w), SlotWith(w), Free)
  /\ UNCHANGED <<tickets, sent, due>>

(* Whatever the dead had is offered again, and nobody tries a ticket.  In the *)
(* place of ReapUnclaimed.                                                    *)
ReapUntried(p) ==
  LET w == CallAt(p, 0)
  IN  /\ Reaps(p) /\ RunsQueued
      /\ w \in WorkId
      /\ Goto(w, "RECALLED")
      /\ Reaped(p)
      /\ UNCHANGED tickets

(* Calls are recalled for an idle process only, however many pass them by.  In *)
(* the place of HeldUpBy; and of MayPass, since otherwise nothing is offered.  *)
NobodyIsHeldUp(w) == FALSE
EverybodyMayPass(w) == TRUE

(* The first call of a lane is recalled, too, whose process was about to claim *)
(* it.  In the place of Movable.                                               *)
MovableOrFirst(p) == {w \in WorkId : places[w] = "IN_SLOT" /\ Holder(w) = p}

-----------------------------------------------------------------------------
(* Deaths.                                                                   *)

(* P1: a death is acted upon before its lane is read.  In the place of SeeDeath. *)
SeeDeathAtOnce(p) ==
  /\ ~Busy /\ Watched(p) /\ procs[p] \in Dead
  /\ Sees(p, "reaping")
  /\ UNCHANGED <<phase, calls, ofProcess, ring, deaths>>

(* And what the dead has said is believed of its successor.  In the place of *)
(* Vanish.                                                                   *)
VanishButLane(p) ==
  /\ Goes(p, "unborn") /\ Sees(p, "off")
  /\ runs' = [runs EXCEPT ![p] = 0]
  /\ UNCHANGED <<lanes, taken, answers>>
  /\ tickets' = [tickets EXCEPT ![p] = Fresh.tickets]
  /\ slots' = [slots EXCEPT ![p] = Fresh.slots]
  /\ sent' = [sent EXCEPT ![p] = 0] /\ due' = [due EXCEPT ![p] = 0]
  /\ UNCHANGED <<numbers, begun, deaths>>

(* The successor has the tickets of the dead.  In the place of Vanish. *)
VanishButTickets(p) ==
  /\ Goes(p, "unborn") /\ Sees(p, "off")
  /\ runs' = [runs EXCEPT ![p] = 0]
  /\ lanes' = [lanes EXCEPT ![p] = <<>>] /\ taken' = [taken EXCEPT ![p] = <<>>]
  /\ answers' = [answers EXCEPT ![p] = <<>>]
  /\ slots' = [slots EXCEPT ![p] = Fresh.slots]
  /\ sent' = [sent EXCEPT ![p] = 0] /\ due' = [due EXCEPT ![p] = 0]
  /\ UNCHANGED <<numbers, begun, tickets, deaths>>

(* A process is declared dead upon a hint, as when a forkserver dies, is not *)
(* killed, and its tickets are posted again.  In the place of SeeDeath and   *)
(* Vanish.                                                                   *)
SeeHint(p) ==
  /\ ~Busy /\ Watched(p)
  /\ Sees(p, "draining")
  /\ UNCHANGED <<phase, calls, ofProcess, ring, deaths>>

VanishUnkilled(p) ==
  /\ Goes(p, IF procs[p] \in Dead THEN "unborn" ELSE procs[p])
  /\ Sees(p, IF procs[p] \in Dead THEN "off" ELSE "on")
  /\ tickets' = [tickets EXCEPT ![p] = Fresh.tickets]
  /\ slots' = [slots EXCEPT ![p] = Fresh.slots]
  /\ sent' = [sent EXCEPT ![p] = 0] /\ due' = [due EXCEPT ![p] = 0]
  /\ UNCHANGED <<numbers, begun, runs, lanes, taken, answers, deaths>>

(* M28: a death shows when the sentinel is closed; a call forked, and died, and *)
(* its grandchild keeps that open for ever.  In the place of SeeDeath.          *)
SeeSentinel(p) ==
  /\ ~Busy /\ Watched(p) /\ procs[p] \in Dead /\ runs[p] = 0
  /\ Sees(p, "draining")
  /\ UNCHANGED <<phase, calls, ofProcess, ring, deaths>>

(* P16: a ticket is a lock, held while a call runs: who wants it of the dead *)
(* waits until it is let go.  In the place of ReapClaimed.                   *)
ReapWhenLetGo(p) ==
  LET w == CallAt(p, 0)
  IN  /\ Reaps(p)
      /\ w \in WorkId /\ begun[w] > 0 /\ Ticket(w) = 1
      /\ Goto(w, "CLAIMED")
      /\ Reaped(p)
      /\ UNCHANGED tickets
=============================================================================
