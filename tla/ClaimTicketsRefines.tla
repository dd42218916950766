------------------------- MODULE ClaimTicketsRefines ------------------------
(***************************************************************************)
(* The claim tickets are the process pool: unclaimed slots are its Call Q, *)
(* what is WAITING or RECALLED its Work Ids, what was claimed and not      *)
(* answered in full runs, answers that were not settled are its Result Q;  *)
(* a frame that is dropped is nothing.  Two variables are added that       *)
(* nothing depends on: who has called shutdown, and how many processes in  *)
(* a row have died before they were ready.  Nobody here is ever poisoned,  *)
(* and the local worker never sleeps.                                      *)
(***************************************************************************)
EXTENDS MCClaimTickets

CONSTANT Closers  \* what each caller of shutdown asks, as in ProcessPool

VARIABLES
  closers,  \* callers of shutdown(): "out", "discarding", "joining", "back"
  early     \* deaths in a row, each before the process was ready

varsR == <<vars, closers, early>>

ASSUME Poison = {} /\ ~Endless /\ Requests = {}

Closer == DOMAIN Closers

Sorted(S) ==  \* calls, in the order in which they were submitted
  [i \in 1..Cardinality(S) |-> CHOOSE w \in S : Cardinality({v \in S : v <= w}) = i]

Offered == {w \in WorkId : places[w] = "IN_SLOT" /\ begun[w] = 0}

Process_(p) ==
  CASE watch[p] = "told" /\ procs[p] \in Alive -> "told"
    [] procs[p] = "killed" -> "dead"
    [] procs[p] \in Alive \ {"starting"} /\ watch[p] # "told" ->
         IF runs[p] = 0 THEN "idle" ELSE "running"
    [] OTHER -> procs[p]

Results(p) ==
  LET IsResult(a) == a.kind = "result"
      unread == SelectSeq(answers[p], IsResult)
  IN  Sorted({w \in WorkId : Ending(w) /\ Holder(w) = p})
        \o [i \in DOMAIN unread |-> unread[i].call]

Future(w) ==
  CASE places[w] = "CLAIMED" -> "RUNNING"
    [] places[w] = "SETTLED" ->
         IF endings[w] = "cancelled" THEN "CANCELLED_AND_NOTIFIED" ELSE "FINISHED"
    [] OTHER -> "PENDING"

Room == Depth * Processes

Pool ==
  INSTANCE ProcessPool WITH
    CallQueueSize <- Room,
    MaxTasks <- 0, EarlyLimit <- Deaths + 1, Eager <- FALSE,
    InitializerMayFail <- FALSE, StartMayFail <- FALSE,
    MayBeUnpicklable <- FALSE, MayBeCollected <- FALSE,
    workIds <- Sorted(WorkIds),
    callQueue <- Sorted(Offered),
    processes <- [p \in Process |-> Process_(p)],
    used <- [p \in Process |-> 0],
    resultQueue <- [p \in Process |-> Results(p)],
    futures <- [w \in WorkId |-> Future(w)],
    calls <- [w \in WorkId |-> IF Accepted(w) THEN "accepted" ELSE "out"],
    collected <- FALSE,
    awake <- phase # "OPEN" \/ \E w \in WorkId : Accepted(w),
    watched <- [p \in Process |-> watch[p] # "off"],
    mayDie <- Deaths - deaths

-----------------------------------------------------------------------------

InitR == Init /\ closers = [c \in Closer |-> "out"] /\ early = 0

OthersR ==
  /\ Others
  /\ UNCHANGED closers
  /\ early' = IF \E p \in Process : watch[p] = "on" /\ procs[p] = "starting" /\ procs'[p] = "idle"
              THEN 0
              ELSE IF \E p \in Process : procs[p] = "stillborn" /\ procs'[p] = "unborn"
              THEN early + 1 ELSE early

RequestOf(c) == Pool!PhaseOf(Closers[c])

ShutdownR(c) ==
  /\ closers[c] = "out"
  /\ IF Strength(RequestOf(c)) > Strength(phase)
     THEN Asks(RequestOf(c)) ELSE UNCHANGED vars
  /\ closers' = [closers EXCEPT ![c] = IF phase' = "CANCELLING" THEN "discarding" ELSE "joining"]
  /\ UNCHANGED early

DiscardedR(c) ==
  /\ closers[c] = "discarding" /\ WorkIds = {} /\ \A w \in WorkId : places[w] # "IN_SLOT"
  /\ closers' = [closers EXCEPT ![c] = "joining"]
  /\ UNCHANGED <<vars, early>>

ShutdownReturnsR(c) ==
  /\ closers[c] = "joining" /\ Pending = {} /\ \A p \in Process : watch[p] = "off"
  /\ closers' = [closers EXCEPT ![c] = "back"]
  /\ UNCHANGED <<vars, early>>

NextR ==
  OthersR \/ \E c \in Closer : ShutdownR(c) \/ DiscardedR(c) \/ ShutdownReturnsR(c)

FairnessR ==
  /\ Fairness
  /\ \A c \in Closer : WF_varsR(DiscardedR(c) \/ ShutdownReturnsR(c))

(* Nobody is obliged to go on: see reached/ClaimTickets-refines-unfair.cfg. *)
UnfairR == InitR /\ [][NextR]_varsR

SpecR == InitR /\ [][NextR]_varsR /\ FairnessR

-----------------------------------------------------------------------------

(* Every behaviour of the claim tickets is one of the process pool, *)
IsProcessPool == Pool!Init /\ [][Pool!Next]_(Pool!vars)

(* and goes on as that does. *)
GoesOnAsProcessPool == Pool!FairnessBut(0)
=============================================================================
