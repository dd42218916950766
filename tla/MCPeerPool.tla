----------------------------- MODULE MCPeerPool -----------------------------
(***************************************************************************)
(* What must be reachable in PeerPool: each claim below is false, and TLC  *)
(* shows how.                                                              *)
(***************************************************************************)
EXTENDS PeerPool

(* A process waits for room in the pipe, with the lock, and its call was cancelled. *)
NobodyIsStoppedWhileHeAnswers ==
  \A p \in Process :
    ~(processes[p] = "answering" /\ Len(answers) = PipeSize /\ futures[runs[p]] = "CANCELLED")

(* A process dies with the lock. *)
NobodyDiesWithTheLock == \A p \in Process : processes[p] = "dead" => holder # p

(* A call is cancelled between the manager's look and its set_result. *)
NobodyCancelsInBetween == manager = "setting" => futures[at] # "CANCELLED"

(* The pool breaks while calls wait for a process. *)
NothingWaitsWhenItBreaks == [][manager' = "ended" /\ manager # "ended" => tasks = <<>>]_vars

-----------------------------------------------------------------------------

(* Nobody is obliged to go on: no liveness property of PeerPool survives that. *)
Unfair == Init /\ [][Next]_vars
=============================================================================
