--------------------------- MODULE MCClaimTickets ---------------------------
(***************************************************************************)
(* What must be reachable in ClaimTickets: each claim below is false, and  *)
(* TLC shows how.                                                          *)
(***************************************************************************)
EXTENDS ClaimTicketsClaims, TLC

(* What a caller of shutdown asks, where it is refined: see ClaimTicketsRefines. *)
NoClosers == <<>>
JustCancelling == <<"shutdown_cancel_futures">>
ExitAndCancelling == <<"exit", "shutdown_cancel_futures">>
ShutdownAndCancelling == <<"shutdown", "shutdown_cancel_futures">>

(* Of three calls, the first runs, and will never end; the second is behind it; the *)
(* third has yet to come, again and again.  The other process idles.  For two       *)
(* processes of two slots; that this is reached says NobodyIsStuck.                 *)
IsStuck ==
  /\ phase = "OPEN" /\ deaths = 0
  /\ places = <<"IN_SLOT", "IN_SLOT", "OUT">> /\ wheres = <<<<1, 0>>, <<1, 1>>, Nowhere>>
  /\ endings = <<"", "", "">> /\ numbers = <<1, 2, 0>> /\ begun = <<1, 0, 0>>
  /\ procs = <<"running", "idle">> /\ runs = <<1, 0>> /\ watch = <<"on", "on">>
  /\ lanes = <<<<2>>, <<>>>> /\ taken = <<<<>>, <<>>>> /\ answers = <<<<>>, <<>>>>
  /\ tickets = <<(0 :> 0 @@ 1 :> 1), (0 :> 1 @@ 1 :> 1)>>
  /\ slots = <<(0 :> 1 @@ 1 :> 2), (0 :> Free @@ 1 :> Free)>>
  /\ sent = <<2, 0>> /\ due = <<0, 0>>

FromStuck == IsStuck /\ [][Next]_vars /\ Fairness
TheFirstRuns == runs'[1] = 1

NobodyIsStuck == ~IsStuck

-----------------------------------------------------------------------------

(* The serials of a lane have come round, and a slot has its second call, while *)
(* the frame before it is not answered yet.                                     *)
NoSlotIsUsedAgain ==
  [][\A p \in Process :
       (sent[p] = Serials - 1 /\ sent'[p] = 0 /\ watch'[p] = "on") => sent[p] = due[p]]_vars

(* A call runs in one process while an old frame of it waits in another. *)
NoFrameTravelsTwice ==
  \A p, q \in Process : runs[p] \notin Range(lanes[q]) \union Range(taken[q])

(* A process throws a frame away, and claims the next one. *)
NothingIsClaimedAfterADrop ==
  \A p \in Process : runs[p] # 0 => \A a \in Range(answers[p]) : a.kind # "dropped"

(* A process dies in the middle of an answer: that part is thrown away. *)
NoPartIsThrownAway ==
  [][\A p \in Process : watch'[p] = "reaping" /\ watch[p] = "draining" => answers[p] = <<>>]_vars

(* An answer of a process is read after its death. *)
NoAnswerOutlivesItsProcess ==
  \A p \in Process : watch[p] = "draining" => Complete(p) = {}

(* A process dies that has claimed nothing, and calls in its lane go elsewhere. *)
NobodyDiesBlameless ==
  [][\A w \in WorkId :
       (places[w] = "IN_SLOT" /\ places'[w] = "RECALLED") => runs[Holder(w)] # 0]_vars

(* A process dies of a call of which the parent does not know that it was claimed. *)
NobodyDiesUnnoticed ==
  \A p \in Process : procs[p] = "dead" /\ runs[p] # 0 => places[runs[p]] = "CLAIMED"

(* A call is cancelled in the lane of a process that is dead. *)
NobodyCancelsWithTheDead ==
  [][\A w \in WorkId :
       (places[w] = "IN_SLOT" /\ endings'[w] = "cancelled") => procs[Holder(w)] \notin Dead]_vars

(* A call is offered to a process that is dead already. *)
NothingIsOfferedToTheDead ==
  [][\A p \in Process : sent'[p] # sent[p] /\ watch'[p] = "on" => procs[p] \notin Dead]_vars

(* A call may not be offered yet, since an earlier one is not claimed. *)
NothingIsHeldBack ==
  WorkIds # {} => MayPass(Oldest(WorkIds)) \/ \A p \in Process : ~HasRoom(p)

-----------------------------------------------------------------------------

(* Nobody is obliged to go on: no liveness property of ClaimTickets survives *)
(* that, so that each of them says something.                                *)
Unfair == Init /\ [][Next]_vars
=============================================================================
