--------------------------- MODULE MCStandardPool ---------------------------
(***************************************************************************)
(* Bounds of StandardPool that a .cfg cannot write, and what must be       *)
(* reachable in it: each claim below is false, and TLC shows how.          *)
(***************************************************************************)
EXTENDS StandardPool

JustWait == <<"wait">>
JustGoOn == <<"go on">>
JustCancel == <<"wait, cancel">>
GoOnThenWait == <<"go on", "wait">>
CancelThenWait == <<"go on, cancel", "wait">>

-----------------------------------------------------------------------------

(* A process dies while the manager sleeps and has nothing else to do. *)
NobodyDiesUnseen ==
  (manager = "sleeping" /\ ~wakeUp /\ resultQueue = <<>>) =>
    \A p \in watched : processes[p] # "dead"

(* The manager finds only cancelled calls when it is to end. *)
NothingIsCancelledAndQueued ==
  (manager = "draining" /\ pending # {}) => \E w \in pending : futures[w] # "CANCELLED"

(* A process is needed after a shutdown that did not wait returned. *)
NobodyIsReplacedAfterTheEnd ==
  (gone /\ manager = "looking") => \A p \in Process : processes[p] # "idle"

(* A call runs, in another process, while the executor breaks. *)
NothingIsRunningWhenBroken ==
  manager = "breaking" => \A w \in WorkId : futures[w] # "RUNNING"

(* A call waits behind a full call queue. *)
NobodyFindsTheQueueFull == manager = "sleeping" => workIds = <<>>

(* The executor is collected while calls wait. *)
NothingIsLeftForTheManager == collected => pending = {}

-----------------------------------------------------------------------------

(* Nobody is obliged to go on: no liveness property of StandardPool survives that. *)
Unfair == Init /\ [][Next]_vars
=============================================================================
