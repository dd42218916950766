---------------------------- MODULE MCThreadPool ----------------------------
(***************************************************************************)
(* Bounds of ThreadPool that a .cfg cannot write, and what must be         *)
(* reachable in it: each claim below is false, and TLC shows how.          *)
(***************************************************************************)
EXTENDS ThreadPool

JustShutdown == <<"shutdown">>
ExitAndCancelling == <<"exit", "shutdown_cancel_futures">>
JustCancelling == <<"shutdown_cancel_futures">>
ShutdownAndCancelling == <<"shutdown", "shutdown_cancel_futures">>
CancellingThenShutdown == <<"shutdown_cancel_futures", "shutdown">>

-----------------------------------------------------------------------------

(* A call is cancelled while a thread holds it, and will be dropped. *)
NobodyCancelsWhatIsHeld ==
  \A t \in Thread : threads[t] = "holding" => futures[holds[t]] = "PENDING"

(* A call is withdrawn, since its thread could not start, while another waits. *)
NothingWaitsWhenWithdrawn ==
  \A v, w \in WorkId :
    (calls[v] = "raised" /\ futures[v] = "CANCELLED_AND_NOTIFIED" /\ phase = "OPEN") =>
      ~(calls[w] = "accepted" /\ futures[w] = "PENDING" /\ w \in Range(workIds))

(* The thread cannot start, but another has taken or ended the call: submit succeeds. *)
EveryRefusalRaises ==
  [][\A t \in Thread : (threads[t] = "starting" /\ threads'[t] = "unborn")
                         => (calls'[holds[t]] = "raised")]_vars

(* The last thread cannot start: what others have queued meanwhile fails. *)
NobodyFailsForAnother ==
  [][\A v, w \in WorkId :
       (calls[w] = "starting" /\ calls'[w] = "raised" /\ v # w) => (futures'[v] = futures[v])]_vars

(* Two threads are parked when the executor is shut down. *)
NobodyIsParkedAtShutdown == [][phase' = phase \/ Len(parked) < 2]_vars

(* The executor breaks while another call runs. *)
NothingRunsWhenBroken == phase = "BROKEN" => \A t \in Thread : threads[t] # "running"

(* Two callers of shutdown discard at the same time. *)
OneDiscardsAtATime ==
  \A c, d \in Closer : (closers[c] = "discarding" /\ closers[d] = "discarding") => c = d

(* The executor is collected while calls are queued. *)
NothingIsQueuedWhenCollected == collected => workIds = <<>>

-----------------------------------------------------------------------------

(* Nobody is obliged to go on: no liveness property of ThreadPool survives that, so *)
(* that each of them says something.                                         *)
Unfair == Init /\ [][Next]_vars
=============================================================================
